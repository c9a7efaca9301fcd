"""Nodes of the pipeline ``search``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures, tracking
from mf_nas_kd.export.untrained import float32_costs
from mf_nas_kd.images import AugmentationSettings, ImageDataset, SubsetOrder
from mf_nas_kd.networks import CostCounter, TrainedNetwork
from mf_nas_kd.pipelines.search.parameters import SearchParameters
from mf_nas_kd.records import Architecture, Evaluation, MetricSetting
from mf_nas_kd.records.tables import table_of
from mf_nas_kd.search import StrategySettings, build_strategy
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import SpaceSettings
from mf_nas_kd.statistics import CorrelationSettings
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import EvaluationParameters
from mf_nas_kd.studies.candidate_proxies import proxies_of
from mf_nas_kd.studies.candidates import CandidatesParameters
from mf_nas_kd.studies.paused_trainings import PausedTrainings, pausing_work
from mf_nas_kd.studies.plan import require_current
from mf_nas_kd.studies.pool_proxies import accepted_of_pool
from mf_nas_kd.studies.study_search import front_of, run_study_search, search_pool, search_problem
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import DistillationConfigurations, TrainingParameters, TrainingSettings
from mf_nas_kd.workers import ExecutorSettings, open_executor

logger = logging.getLogger(__name__)


def sample_pool(
    images: ImageDataset,
    subset_order: pd.DataFrame,
    candidates: pd.DataFrame,
    store: EvaluationStore,
    space: SpaceSettings,
    parameters: SearchParameters,
) -> pd.DataFrame:
    """Sample the candidates of the search: those of the evaluation stage and fresh ones, all within the limits."""
    for fidelity in parameters.low_fidelities or ():
        SubsetOrder(subset_order).positions(fidelity.train_fraction)  # refuses an impossible one early
    cost_of, rng = CostCounter(images.classes, images.image_shape), numpy_generator(parameters.seed, "pool")
    on_device = float32_costs(store, images.classes, images.image_shape, parameters.device)
    limits, front_cost = parameters.limits, parameters.cost_of_front
    pool = search_pool(candidates, space.build(), parameters.pool_size, limits, cost_of, rng, on_device, front_cost)
    logger.info("The search has %d candidates with %s", len(pool), parameters.limits)
    return pool


def compute_pool_proxies(
    pool: pd.DataFrame,
    candidate_proxies: pd.DataFrame,
    images: ImageDataset,
    teacher: TrainedNetwork,
    proxy_folder: Path,
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    candidates: CandidatesParameters,
    training: TrainingParameters,
    executor: ExecutorSettings,
    correlation: CorrelationSettings,
    metric: MetricSetting,
) -> pd.DataFrame:
    """Compute those zero-cost proxies of the search's candidates that earned it on the candidates of the study."""

    def compute(architectures: Sequence[Architecture], names: tuple[str, ...]) -> pd.DataFrame:
        settings = candidates.proxies.restricted(names)
        return proxies_of(architectures, images, teacher, settings, proxy_folder, training.device, executor)

    return accepted_of_pool(pool, candidate_proxies, plan, evaluations, correlation, metric.value, compute)


def search(
    pool: pd.DataFrame,
    proxies: pd.DataFrame,
    images: ImageDataset,
    subset_order: pd.DataFrame,
    teacher: TrainedNetwork,
    teacher_folder: Path,
    paused_folder: Path,
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    store: EvaluationStore,
    space: SpaceSettings,
    training: TrainingParameters,
    augmentation: AugmentationSettings,
    distillation: DistillationConfigurations,
    executor: ExecutorSettings,
    parameters: SearchParameters,
    strategies: StrategySettings,
    study: EvaluationParameters,
    metric: MetricSetting,
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Run the search.

    Returns:
        The trace, the outcome, all high-fidelity evaluations of candidates, known ones included, and the evaluations of
        the steps of the trace.
    """
    name, budget = parameters.strategy, parameters.budget
    settings = TrainingSettings.of(training, augmentation, distillation)
    order = SubsetOrder(subset_order)
    evaluator = TrainingEvaluator(images, order, settings, teacher, teacher_folder, study.checkpoints)
    require_current(plan, evaluator)
    problem = search_problem(
        pool,
        plan,
        space.build(),
        parameters.low_fidelities,
        parameters.proposals_at_a_time,
        metric.value,
        proxies,
        parameters.cost_of_front,
        settings.hyper_parameters.can_be_paused,
    )
    evaluator.require_possible(problem.candidates[0].architecture, problem.low)
    strategy = build_strategy(name, problem, strategies.options_of(name))
    with open_executor(executor, evaluator) as workers:
        low = frozenset(problem.low)
        log = tracking.ChildRuns(tracking.Purpose("search", lambda e: "low" if e.fidelity in low else "full", name)).log
        found = run_study_search(
            name,
            strategy,
            plan,
            evaluations,
            budget,
            parameters.seed,
            evaluator,
            workers,
            store,
            log,
            study.retry_failed,
            pausing_work(evaluator, PausedTrainings(paused_folder, settings.paused_bytes)),
            parameters.stop_below_points,
        )
    outcome = {
        "strategy": name,
        "objective": parameters.objective,
        "front_cost": parameters.cost_of_front,
        "front": front_of(problem, found.full),
        "limits": parameters.limits.model_dump(),
        "search_device": parameters.device,
        "proxies": list(problem.proxies),
        "budget_seconds": budget.seconds,
        "budget_evaluations": budget.evaluations,
        "spent_seconds": found.result.spent_seconds,
        "teacher_seconds": evaluator.precomputation_seconds,
        "evaluations": len(found.result.evaluations),
        "ended": found.result.ended,
        **asdict(found.result.summary),
        "architecture_id": found.result.winner_id,
    }
    searched = table_of(found.result.evaluations, Evaluation)
    return found.result.trace, outcome, table_of(found.full, Evaluation), searched


def draw_search_progress(trace: pd.DataFrame, plan: pd.DataFrame, metric: MetricSetting) -> Figure:
    """Draw the metric of the evaluations that selects against the cost so far."""
    return figures.search_progress(trace, plan, metric.value)
