"""Nodes of the pipeline ``teacher``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures, tracking
from mf_nas_kd.images import AugmentationSettings, ImageDataset
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.pipelines.teacher.parameters import TeacherParameters
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.trained_teachers import TrainedTeachers
from mf_nas_kd.training import TrainingParameters

logger = logging.getLogger(__name__)


def train_teacher(
    images: ImageDataset,
    parameters: TeacherParameters,
    training: TrainingParameters,
    augmentation: AugmentationSettings,
    trained_teachers: Path,
    store: EvaluationStore,
) -> tuple[TrainedNetwork, dict[str, Any], pd.DataFrame]:
    """Train the teacher, unless that was done before, and log its accuracies and learning curve."""
    teacher = TrainedTeachers(trained_teachers, store).find_or_train(
        images,
        parameters.builder,
        parameters.options[parameters.builder],
        parameters.hyper_parameters,
        parameters.epochs,
        parameters.seed,
        training.device,
        augmentation,
        parameters.weights,
        training,
    )
    curve = {"loss": teacher.epoch_losses, "val_accuracy": teacher.val_accuracies[: len(teacher.epoch_losses)]}
    accuracies = {"val_accuracy": teacher.val_accuracies[-1], "test_accuracy": teacher.test_accuracy}
    tracking.log_metrics({f"teacher_curve_{name}": values for name, values in curve.items()})
    tracking.log_metrics({f"teacher_{name}": value for name, value in accuracies.items()})
    logger.info("Teacher: validation %.4f, test %.4f", *accuracies.values())
    metrics = {
        **accuracies,
        "macs": teacher.macs,
        "params": teacher.params,
        "epochs": parameters.epochs,
        "seed": parameters.seed,
        "fingerprint": teacher.network.fingerprint,
        "trained_on": list(teacher.network.description.trained_on),
    }
    return teacher.network, metrics, pd.DataFrame({"epoch": range(1, parameters.epochs + 1), **curve})


def draw_learning_curve(curve: pd.DataFrame) -> Figure:
    """Draw the learning curve of the teacher."""
    return figures.learning_curve(curve)
