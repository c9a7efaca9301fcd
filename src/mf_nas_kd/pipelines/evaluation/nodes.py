"""Nodes of the pipeline ``evaluation``."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from mf_nas_kd import tracking
from mf_nas_kd.export.untrained import float32_costs
from mf_nas_kd.images import AugmentationSettings, ImageDataset, SubsetOrder
from mf_nas_kd.networks import CostCounter, TrainedNetwork
from mf_nas_kd.records import Architecture, Evaluation, MetricSetting
from mf_nas_kd.records.tables import candidate_table, records_of, table_of
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import Limits, SpaceSettings, sample_within
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import EvaluationParameters, run_evaluations
from mf_nas_kd.studies.candidate_proxies import proxies_of
from mf_nas_kd.studies.candidates import CandidatesParameters
from mf_nas_kd.studies.device_costs import THIS
from mf_nas_kd.studies.map_sizes import warn_of_large_maps
from mf_nas_kd.studies.paused_trainings import PausedTrainings, pausing_work
from mf_nas_kd.studies.plan import plan_table, requests_of
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import DistillationConfigurations, TrainingParameters, TrainingSettings
from mf_nas_kd.workers import ExecutorSettings, open_executor

logger = logging.getLogger(__name__)


def sample_candidates(
    images: ImageDataset, store: EvaluationStore, space: SpaceSettings, parameters: CandidatesParameters
) -> pd.DataFrame:
    """Sample the candidates of the study."""
    cost_of = CostCounter(images.classes, images.image_shape)
    rng = numpy_generator(parameters.seed, "candidates")
    sampled = sample_within(space.build(), parameters.count, Limits.of(max_macs=parameters.max_macs), cost_of, rng)
    warn_of_large_maps(sampled[0], images.classes, images.image_shape)
    if parameters.measure_latency:
        float32_costs(store, images.classes, images.image_shape, THIS)(sampled)
    return candidate_table(sampled, cost_of)


def compute_proxies(
    candidates: pd.DataFrame,
    images: ImageDataset,
    teacher: TrainedNetwork,
    proxy_folder: Path,
    parameters: CandidatesParameters,
    training: TrainingParameters,
    executor: ExecutorSettings,
) -> pd.DataFrame:
    """Compute the zero-cost proxies of the candidates; those that are known are read."""
    architectures = records_of(candidates, Architecture)
    return proxies_of(architectures, images, teacher, parameters.proxies, proxy_folder, training.device, executor)


def plan_evaluations(
    candidates: pd.DataFrame,
    images: ImageDataset,
    subset_order: pd.DataFrame,
    teacher: TrainedNetwork,
    parameters: EvaluationParameters,
    training: TrainingParameters,
    augmentation: AugmentationSettings,
    distillation: DistillationConfigurations,
) -> pd.DataFrame:
    """List every evaluation of the study with its key."""
    settings = TrainingSettings.of(training, augmentation, distillation)
    evaluator = TrainingEvaluator(images, SubsetOrder(subset_order), settings, teacher)
    architectures = records_of(candidates, Architecture)
    low, full = parameters.low_fidelities, parameters.full.value
    if any(full.continues(each) for each in low) and not settings.hyper_parameters.can_be_paused:
        logger.warning(
            "training.hyper_parameters.schedule is cosine: trainings at fewer epochs of the target fidelity cannot be "
            "continued, each begins from scratch; constant_then_decay allows it"
        )
    evaluator.require_possible(architectures[0], [*low, full])
    return plan_table(architectures, low, full, parameters.seed, evaluator, parameters.seeds)


def evaluate_candidates(
    plan: pd.DataFrame,
    images: ImageDataset,
    subset_order: pd.DataFrame,
    teacher: TrainedNetwork,
    teacher_folder: Path,
    paused_folder: Path,
    store: EvaluationStore,
    parameters: EvaluationParameters,
    training: TrainingParameters,
    augmentation: AugmentationSettings,
    distillation: DistillationConfigurations,
    executor: ExecutorSettings,
    metric: MetricSetting,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the planned evaluations that the store does not have; every result is stored at once.

    Returns:
        The planned evaluations, twice: for the store, which has them already, and for the stages that follow.
    """
    settings = TrainingSettings.of(training, augmentation, distillation)
    evaluator = TrainingEvaluator(
        images, SubsetOrder(subset_order), settings, teacher, teacher_folder, parameters.checkpoints
    )
    paused = PausedTrainings(paused_folder, settings.paused_bytes)
    roles = dict(zip(plan["key"], plan["role"], strict=True))
    purpose = tracking.Purpose("evaluation", lambda evaluation: roles.get(evaluation.key, ""))
    with open_executor(executor, evaluator) as workers:
        evaluations = run_evaluations(
            requests_of(plan),
            evaluator,
            workers,
            store,
            on_new=tracking.ChildRuns(purpose).log,
            retry_failed=parameters.retry_failed,
            show_progress=True,
            work=pausing_work(evaluator, paused),
            metric=metric.value,
        )
    tracking.log_metrics({"teacher_seconds": evaluator.precomputation_seconds})
    planned = table_of(evaluations, Evaluation)
    return planned, planned
