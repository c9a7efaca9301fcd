"""Nodes of the pipeline ``search``."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures, tracking
from mf_nas_kd import search as searching
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.export import export_onnx
from mf_nas_kd.images import AugmentationSettings, ImageDataset, SubsetOrder
from mf_nas_kd.networks import CostCounter, TrainedNetwork
from mf_nas_kd.pipelines.search.parameters import SearchParameters
from mf_nas_kd.records import Architecture, Costs, Evaluation, Metrics
from mf_nas_kd.records.fields import Role, column_names
from mf_nas_kd.records.tables import candidate_table, fidelities_in, records_of, table_of
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import SpaceSettings, sample_within
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.studies.plan import finished_evaluations, require_current
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import DistillationConfigurations, TrainingParameters, TrainingSettings
from mf_nas_kd.workers import ExecutorSettings, open_executor

logger = logging.getLogger(__name__)


def sample_pool(
    images: ImageDataset,
    subset_order: pd.DataFrame,
    candidates: pd.DataFrame,
    space: SpaceSettings,
    parameters: SearchParameters,
) -> pd.DataFrame:
    """The architectures that may be proposed: those of the evaluation stage and fresh ones, all within the limits."""
    for fidelity in parameters.low.values if parameters.low is not None else ():
        SubsetOrder(subset_order).positions(fidelity.train_fraction)  # refuses an impossible one early
    foreign = sorted(set(candidates["space"]) - {space.name})
    if foreign:
        allowed = f"those of {space.name}: run the evaluation pipeline"
        raise InvalidValueError("space of the candidates", ", ".join(foreign), allowed)
    cost_of = CostCounter(images.classes, images.image_shape)
    rng = numpy_generator(parameters.seed, "pool")
    fresh = sample_within(space.build(), parameters.pool_size, parameters.limits, cost_of, rng)
    known = [each for each in records_of(candidates, Architecture) if parameters.limits.allow(cost_of(each))]
    pool = candidate_table([*known, *fresh], cost_of).drop_duplicates("architecture_id", ignore_index=True)
    logger.info("Search among %d architectures with %s", len(pool), parameters.limits)
    return pool


def search(
    pool: pd.DataFrame,
    images: ImageDataset,
    subset_order: pd.DataFrame,
    teacher: TrainedNetwork,
    teacher_folder: Path,
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    store: EvaluationStore,
    space: SpaceSettings,
    training: TrainingParameters,
    augmentation: AugmentationSettings,
    distillation: DistillationConfigurations,
    executor: ExecutorSettings,
    parameters: SearchParameters,
    strategies: searching.StrategySettings,
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Spend the budget; returns the trace, the outcome, and all full trainings of the pool, known ones included."""
    full_row: Any = next(plan[plan["role"] == "full"].itertuples())
    problem = _problem(pool, space, plan, parameters)
    settings = TrainingSettings.of(training, augmentation, distillation)
    evaluator = TrainingEvaluator(images, SubsetOrder(subset_order), settings, teacher, teacher_folder)
    require_current(plan, evaluator)
    evaluator.require_possible(problem.candidates[0].architecture, problem.low)
    known = records_of(finished_evaluations(plan, evaluations), Evaluation)
    with open_executor(executor, evaluator) as workers:
        result = searching.run_search(
            name=parameters.strategy,
            strategy=searching.build_strategy(parameters.strategy, problem, strategies.options_of(parameters.strategy)),
            problem=problem,
            known=known,
            budget=searching.Budget(parameters.budget_seconds, parameters.budget_evaluations),
            evaluate=partial(
                run_evaluations,
                evaluator=evaluator,
                workers=workers,
                store=store,
                on_new=tracking.ChildRuns().log,
                retry_failed=False,
                show_progress=False,
            ),
            search_seed=parameters.seed,
            training_seed=int(full_row.seed),
        )
    outcome = {
        "strategy": parameters.strategy,
        "limits": parameters.limits.model_dump(),
        "budget_seconds": parameters.budget_seconds,
        "budget_evaluations": parameters.budget_evaluations,
        "spent_seconds": result.spent_seconds,
        "teacher_seconds": evaluator.precomputation_seconds,
        "evaluations": len(result.evaluations),
        "architecture_id": result.winner_id,
    }
    full = {
        evaluation.architecture.id: evaluation
        for evaluation in (*known, *result.evaluations)
        if evaluation.finished and evaluation.fidelity == problem.full and evaluation.architecture.id in problem.by_id
    }
    return result.trace, outcome, table_of(full.values(), Evaluation)


def find_pareto_front(full_trainings: pd.DataFrame) -> pd.DataFrame:
    """The full trainings than which no other is both cheaper and better."""
    columns = ["architecture_id", *column_names(Costs), *column_names(Metrics)]
    return searching.pareto_front(full_trainings[columns])


def train_winner(
    outcome: dict[str, Any],
    full_trainings: pd.DataFrame,
    images: ImageDataset,
    subset_order: pd.DataFrame,
    training: TrainingParameters,
    augmentation: AugmentationSettings,
    distillation: DistillationConfigurations,
) -> tuple[dict[str, Any], TrainedNetwork, bytes]:
    """Train the winner once more, with the same seed, to have its weights; describe and export it."""
    chosen = full_trainings[full_trainings["architecture_id"] == outcome["architecture_id"]]
    (evaluation,) = records_of(chosen, Evaluation)
    settings = TrainingSettings.of(training, augmentation, distillation)
    evaluator = TrainingEvaluator(images, SubsetOrder(subset_order), settings, teacher=None)
    require_current(full_trainings, evaluator)
    network, *accuracies = evaluator.train(evaluation.architecture, evaluation.fidelity, evaluation.seed)
    trained = TrainedNetwork.of(evaluator.describe(evaluation.architecture), network)
    winner = {
        **outcome,
        **evaluation.architecture.to_row(),
        **Metrics(*accuracies).to_row(),
        **evaluation.costs.to_row(),
        "dataset": images.name,
        "model_fingerprint": trained.fingerprint,
    }
    tracking.log_metrics(
        {f"winner_{name}": winner[name] for name in column_names(Evaluation, Role.METRIC, Role.COST) if name in winner}
    )
    return winner, trained, export_onnx(trained, images.class_names)


def draw_search_progress(trace: pd.DataFrame, plan: pd.DataFrame) -> Figure:
    """Accuracy against what was spent."""
    return figures.search_progress(trace, plan)


def draw_pareto_front(full_trainings: pd.DataFrame, front: pd.DataFrame, winner: dict[str, Any]) -> Figure:
    """Accuracy against operations."""
    return figures.pareto_picture(full_trainings, front, winner["architecture_id"])


def _problem(
    pool: pd.DataFrame, space: SpaceSettings, plan: pd.DataFrame, parameters: SearchParameters
) -> searching.SearchProblem:
    built = space.build()
    planned = {role: fidelities_in(rows) for role, rows in plan.groupby("role")}
    low = parameters.low.values if parameters.low is not None else planned.get("low", ())
    return searching.SearchProblem(
        candidates=tuple(
            searching.Candidate(architecture, built.encode(architecture), macs, params)
            for architecture, macs, params in zip(
                records_of(pool, Architecture), pool["macs"].tolist(), pool["params"].tolist(), strict=True
            )
        ),
        full=planned["full"][0],
        low=low,
        proposals_at_a_time=parameters.proposals_at_a_time,
        neighbours=built.neighbours,
    )
