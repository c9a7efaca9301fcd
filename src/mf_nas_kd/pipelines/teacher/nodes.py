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
from mf_nas_kd.records import METRICS
from mf_nas_kd.statistics import CorrelationSettings, confusion_matrix, errors_of_classes
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.predictions import logits_of, predictions_of
from mf_nas_kd.studies.trained_teachers import TrainedTeachers
from mf_nas_kd.training import TrainingParameters, metrics_of

logger = logging.getLogger(__name__)


def train_teacher(
    images: ImageDataset,
    parameters: TeacherParameters,
    training: TrainingParameters,
    augmentation: AugmentationSettings,
    trained_teachers: Path,
    store: EvaluationStore,
) -> tuple[TrainedNetwork, dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Train the teacher, unless that was done before, and log its metrics and learning curve.

    Returns:
        The teacher, its metrics, its learning curve, and its predictions for the test images.
    """
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
    validation, test = (logits_of(teacher.network, part, images, training) for part in (images.validation, images.test))
    measured = metrics_of(images, validation, test)
    tracking.log_metrics({f"teacher_curve_{name}": values for name, values in curve.items()})
    tracking.log_metrics({f"teacher_{name}": value for name, value in measured.to_row().items()})
    for each in METRICS.values():
        logger.info("Teacher: %s: validation %.4f, test %.4f", each.label, each.of(measured), each.of_test(measured))
    metrics = {
        **measured.to_row(),
        "macs": teacher.macs,
        "params": teacher.params,
        "epochs": parameters.epochs,
        "seed": parameters.seed,
        "fingerprint": teacher.network.fingerprint,
        "trained_on": list(teacher.network.description.trained_on),
    }
    learned = pd.DataFrame({"epoch": range(1, parameters.epochs + 1), **curve})
    return teacher.network, metrics, learned, predictions_of(test, images.test.labels)


def draw_learning_curve(curve: pd.DataFrame) -> Figure:
    """Draw the learning curve of the teacher."""
    return figures.learning_curve(curve)


def find_teacher_errors(
    predictions: pd.DataFrame, images: ImageDataset, correlation: CorrelationSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The teacher's confusion matrix for the test images, and its accuracy of each class."""
    return errors_of_classes(predictions, images.class_names, correlation.level)


def draw_teacher_confusion(predictions: pd.DataFrame, images: ImageDataset) -> Figure:
    """Draw which classes the teacher takes for which."""
    confusion = confusion_matrix(predictions["label"], predictions["predicted"], images.classes)
    return figures.confusion_picture(confusion, images.class_names)
