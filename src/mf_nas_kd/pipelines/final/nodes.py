"""Nodes of the pipeline ``final``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures, tracking
from mf_nas_kd.export.untrained import float32_costs
from mf_nas_kd.images import AugmentationSettings, ImageDataset, SubsetOrder
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.pipelines.final.parameters import FinalParameters
from mf_nas_kd.progress import tell_study
from mf_nas_kd.records import Evaluation, MetricSetting
from mf_nas_kd.records.fields import Role, column_names
from mf_nas_kd.records.metrics import metric_of
from mf_nas_kd.records.tables import fidelities_in, records_of
from mf_nas_kd.spaces import Limits, SpaceSettings
from mf_nas_kd.statistics import CorrelationSettings
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import EvaluationParameters, run_evaluations
from mf_nas_kd.studies.device_costs import THIS, DeviceCostsOf
from mf_nas_kd.studies.expectation import ExpectedSeconds
from mf_nas_kd.studies.final_budget import ExpectedCost
from mf_nas_kd.studies.final_comparison import compare_final_networks, delivered_winner
from mf_nas_kd.studies.final_networks import finalist_networks, reference_networks
from mf_nas_kd.studies.final_tables import (
    final_device_costs,
    final_pareto_front,
    final_trainings_table,
    teacher_score,
    with_teacher,
)
from mf_nas_kd.studies.final_training import FinalStage
from mf_nas_kd.studies.finalists import finalists_of
from mf_nas_kd.studies.kept_trainings import KeptTrainings, kept_work
from mf_nas_kd.studies.plan import finished_evaluations, require_current
from mf_nas_kd.studies.predictions import logits_of
from mf_nas_kd.studies.study_search import search_problem
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import DistillationConfigurations, TrainingParameters, TrainingSettings
from mf_nas_kd.workers import ExecutorSettings, open_executor


def choose_finalists(
    pool: pd.DataFrame,
    proxies: pd.DataFrame,
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    trace: pd.DataFrame,
    search_outcome: dict[str, Any],
    images: ImageDataset,
    store: EvaluationStore,
    space: SpaceSettings,
    parameters: FinalParameters,
    metric: MetricSetting,
) -> pd.DataFrame:
    """Choose the finalists of the search by the posterior of its model, and their cheaper equivalents."""
    low = fidelities_in(pd.concat([plan[plan["role"] == "low"], trace]))
    (full,) = fidelities_in(plan[plan["role"] == "full"])
    searched = tuple(fidelity for fidelity in low if fidelity != full)
    front_cost = search_outcome.get("front_cost")  # a search of an earlier version had no front
    problem = search_problem(pool, plan, space.build(), searched, 1, metric.value, proxies, front_cost)
    limits, on_device = _limits(search_outcome), _on_device(search_outcome, images, store)
    count, tolerance = parameters.finalists, parameters.tolerance_points
    finalists = finalists_of(problem, plan, evaluations, trace, count, tolerance, limits, on_device)
    return pd.DataFrame(
        [
            {
                "role": each.role,
                **each.candidate.architecture.to_row(),
                **each.candidate.costs.to_row(),
                f"expected_{metric.value.validation}": each.mean,
                "deviation": each.deviation,
            }
            for each in finalists
        ]
    )


def train_final_networks(
    finalists: pd.DataFrame,
    pool: pd.DataFrame,
    search_outcome: dict[str, Any],
    images: ImageDataset,
    subset_order: pd.DataFrame,
    teacher: TrainedNetwork,
    teacher_metrics: dict[str, Any],
    teacher_folder: Path,
    kept_folder: Path,
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    store: EvaluationStore,
    training: TrainingParameters,
    augmentation: AugmentationSettings,
    distillation: DistillationConfigurations,
    executor: ExecutorSettings,
    study: EvaluationParameters,
    parameters: FinalParameters,
    metric: MetricSetting,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Train finalists and reference networks to the end; every training is stored at once, with its outputs.

    Returns:
        The trainings, and what was chosen and found.
    """
    order, of_study = SubsetOrder(subset_order), TrainingSettings.of(training, augmentation, distillation)
    require_current(plan, TrainingEvaluator(images, order, of_study, teacher))
    settings = parameters.settings(training, augmentation, distillation)
    evaluator = TrainingEvaluator(images, order, settings, teacher, teacher_folder)
    known = records_of(finished_evaluations(plan, evaluations), Evaluation)
    roles = dict(zip(finalists["architecture_id"], finalists["role"], strict=True))
    purpose = tracking.Purpose("final", lambda evaluation: roles.get(evaluation.architecture.id, "reference"))
    kept, log = KeptTrainings(kept_folder), tracking.ChildRuns(purpose).log
    expected_seconds = ExpectedSeconds(known)
    networks, on_device = finalist_networks(finalists), _on_device(search_outcome, images, store)
    references_within = partial(
        reference_networks, pool, networks, _limits(search_outcome), evaluator.cost, images.image_shape, on_device
    )
    evaluator.require_possible(networks[0].architecture, parameters.fidelities)

    def on_new(evaluation: Evaluation) -> None:
        log(evaluation)
        stage.made += 1
        tell_study("final trainings", stage.fraction)

    with open_executor(executor, evaluator) as workers:
        stage = FinalStage(
            epochs=parameters.epochs,
            ways=parameters.ways,
            seeds=parameters.all_seeds,
            budget_seconds=parameters.budget_seconds,
            expected=ExpectedCost(each for each in known if each.fidelity.train_fraction == 1),
            metric=metric.value,
            train=lambda requests: run_evaluations(
                requests,
                evaluator,
                workers,
                store,
                on_new=on_new,
                retry_failed=study.retry_failed,
                show_progress=True,
                expected_seconds=expected_seconds,
                work=kept_work(kept),
                metric=metric.value,
            ),
        )
        winner = stage.run(
            networks,
            references_within if parameters.references else lambda macs: (),
            teacher_score(teacher_metrics, metric.value),
        )
    trainings = final_trainings_table(stage.trainings, stage.way)
    return with_teacher(trainings, teacher_metrics), {"name": winner.name, **stage.outcome}


def compare_networks(
    trainings: pd.DataFrame,
    outcome: dict[str, Any],
    kept_folder: Path,
    images: ImageDataset,
    teacher: TrainedNetwork,
    training: TrainingParameters,
    correlation: CorrelationSettings,
    metric: MetricSetting,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare the winner with the other finalists, the reference networks and the teacher, on the test images.

    Returns:
        One row a network; what the test images cannot tell apart, and the best reference network.
    """
    logits = logits_of(teacher, images.test, images, training)
    return compare_final_networks(
        trainings, outcome["name"], KeptTrainings(kept_folder), images, logits, correlation.level, metric.value
    )


def deliver_winner(
    search_outcome: dict[str, Any],
    outcome: dict[str, Any],
    trainings: pd.DataFrame,
    references: pd.DataFrame,
    comparison: dict[str, Any],
    kept_folder: Path,
    images: ImageDataset,
    metric: MetricSetting,
) -> tuple[dict[str, Any], TrainedNetwork, pd.DataFrame, pd.DataFrame]:
    """Describe the winner, with the weights of its seed with the highest score for the validation images.

    Returns:
        The winner, its weights, its predictions for the test images, and its learning curve.
    """
    delivered = delivered_winner(trainings, references, KeptTrainings(kept_folder), images, metric.value)
    winner = {**search_outcome, **outcome, **comparison, **delivered.description, "dataset": images.name}
    names = column_names(Evaluation, Role.METRIC, Role.COST)
    tracking.log_metrics({f"winner_{name}": winner[name] for name in names if winner.get(name) is not None})
    return winner, delivered.outputs.network, delivered.predictions, delivered.outputs.curve.table


def measure_final_networks(
    trainings: pd.DataFrame, search_outcome: dict[str, Any], images: ImageDataset, store: EvaluationStore
) -> pd.DataFrame:
    """Latency, memory and size of finalists and reference networks on the device of the search."""
    return final_device_costs(trainings, _on_device(search_outcome, images, store))


def find_pareto_front(
    trainings: pd.DataFrame, device_costs: pd.DataFrame, metric: MetricSetting
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The Pareto fronts of the finalists: best mean over seeds for the validation images; fewest MACs, lowest latency.

    Returns:
        The front by MACs, and the one by latency.
    """
    by_macs = final_pareto_front(trainings, device_costs, metric.value)
    return by_macs, final_pareto_front(trainings, device_costs, metric.value, "latency_ms")


def draw_pareto_front(
    full_trainings: pd.DataFrame, front: pd.DataFrame, winner: dict[str, Any], references: pd.DataFrame
) -> Figure:
    """Draw the metric that has selected against MACs: search's evaluations, final networks, and the Pareto front."""
    return figures.pareto_picture(full_trainings, front, winner["architecture_id"], references, metric_of(winner))


def _limits(search_outcome: dict[str, Any]) -> Limits:
    """The user's limits; a search of an earlier version knew fewer of them."""
    return Limits.of(**search_outcome["limits"])


def _on_device(search_outcome: dict[str, Any], images: ImageDataset, store: EvaluationStore) -> DeviceCostsOf:
    """Costs on the device of the search."""
    return float32_costs(store, images.classes, images.image_shape, search_outcome.get("search_device", THIS))
