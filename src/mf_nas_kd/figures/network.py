"""The part of the report that shows the network: what it is, how good, beside what, what it gets wrong, what to do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd.figures import conclusions
from mf_nas_kd.figures.accuracies import accuracies_picture
from mf_nas_kd.figures.blocks import Block, cell_edges, network_blocks
from mf_nas_kd.figures.charts import Chart, cost_chart, cost_limits, limit_choices, limits_table
from mf_nas_kd.figures.confusion import NAMED_CLASSES, confusion_picture
from mf_nas_kd.figures.devices import device_sentences, device_table
from mf_nas_kd.figures.images import worst_images
from mf_nas_kd.figures.learning_curve import learning_curve
from mf_nas_kd.figures.network_tables import (
    confused_classes_table,
    final_trainings_table,
    per_class_table,
    references_table,
)
from mf_nas_kd.figures.numbers import counted
from mf_nas_kd.figures.search import pareto_picture
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.records import Architecture, Metric
from mf_nas_kd.records.metrics import metric_of
from mf_nas_kd.statistics import confusion_matrix, per_class_accuracy, worst_predictions

WORST_IMAGES = 16
"""Test images that are shown because the network gets them most wrong."""

FILES: Mapping[str, str] = {
    "model.onnx": "reads images of any size, wherever onnxruntime runs",
    "model_int8.onnx": "the same network in int8",
    "model.safetensors": "its weights for PyTorch",
    "README.md": "its model card: limits, data, training, and a program of ten lines that uses it",
}
"""Files that a person needs, and what they are for."""


@dataclass(frozen=True)
class NetworkContent:
    """What the report shows of the network.

    Attributes:
        winner: ``winner``.
        metric: The metric that has selected.
        level: Nominal coverage of the intervals, in (0, 1).
        headline: What it is, and how accurate.
        sentences: What it beats, which weights are delivered, what cannot be told from it, what the teacher was worth.
        device: Where its costs were measured, and how int8 compares with float32.
        blocks: Boxes of its drawing.
        edges: What the edges of its cell compute; empty for networks without cells.
        next_steps: What to do next.
        warnings: What went otherwise than configured.
        trainings: How many final trainings there were, and what they took.
        numbered_classes: Whether the confusion matrix shows numbers of classes instead of names.
        folder: Folder of the network, as a person would type it.
        model: Path of its ONNX model, as a shell reads it.
        files: What the files of the folder are for, with their sizes, by their names.
        limits: What the slider of the cost limit shows.
        pictures: Pictures by their names in the template.
        charts: Charts by the names of their pictures.
        tables: Tables by their names in the template.
    """

    winner: Mapping[str, Any]
    metric: Metric
    level: float
    headline: str
    sentences: Sequence[str]
    device: Sequence[str]
    blocks: Sequence[Block]
    edges: Sequence[str]
    next_steps: Sequence[str]
    warnings: Sequence[str]
    trainings: str
    numbered_classes: bool
    folder: str
    model: str
    files: Mapping[str, str]
    limits: Sequence[Mapping[str, Any]]
    pictures: Mapping[str, Figure]
    charts: Mapping[str, Chart]
    tables: Mapping[str, pd.DataFrame]


def network_content(
    images: ImageDataset,
    winner: Mapping[str, Any],
    references: pd.DataFrame,
    final_trainings: pd.DataFrame,
    predictions: pd.DataFrame,
    of_teacher: pd.DataFrame,
    curve: pd.DataFrame,
    searched: pd.DataFrame,
    front: pd.DataFrame,
    measurements: pd.DataFrame,
    level: float,
    folder: str,
    files: Mapping[str, bytes],
) -> NetworkContent:
    """What the report shows of the network, from the tables of the stages ``final`` and ``export``.

    Args:
        images: The images.
        winner: ``winner``.
        references: ``references``.
        final_trainings: ``final_trainings``.
        predictions: ``winner_predictions``.
        of_teacher: ``teacher_predictions``.
        curve: ``winner_curve``.
        searched: ``full_trainings``, the high-fidelity evaluations of the search.
        front: ``pareto_front``.
        measurements: ``export_measurements``.
        level: Nominal coverage of the intervals in the tables, in (0, 1).
        folder: Path of the folder with the network, as a person would type it.
        files: Contents of its files, by their names.
    """
    confusion, teachers = (
        confusion_matrix(each["label"], each["predicted"], images.classes) for each in (predictions, of_teacher)
    )
    per_class = per_class_accuracy(confusion, level)
    train_images = np.bincount(images.train.labels.numpy(), minlength=images.classes).tolist()
    metric, architecture = metric_of(winner), Architecture.from_row(winner)
    drawing = architecture.space, architecture.fields
    limits = cost_limits(references, metric)
    students = int((final_trainings["role"] != "teacher").sum())
    return NetworkContent(
        winner=winner,
        metric=metric,
        level=level,
        headline=conclusions.headline(winner, level),
        sentences=_sentences(winner, references, len(predictions)),
        device=device_sentences(measurements),
        blocks=network_blocks(*drawing, images.image_shape, images.classes),
        edges=cell_edges(*drawing),
        next_steps=conclusions.next_steps(winner, references, per_class, images.class_names, folder),
        warnings=winner["warnings"],
        trainings=f"{counted(students, 'final training')}, {winner['final_seconds']:,.0f} s",
        numbered_classes=images.classes > NAMED_CLASSES,
        folder=folder,
        model=shlex.quote(f"{folder}/model.onnx"),
        files={name: f"{len(files[name]) / 1024:,.1f} KiB, {use}" for name, use in FILES.items() if name in files},
        limits=limit_choices(limits, metric),
        pictures={
            "accuracies": accuracies_picture(references, metric),
            "pareto_picture": pareto_picture(searched, front, winner["architecture_id"], references, metric),
            "confusion": confusion_picture(confusion, images.class_names),
            "teacher_confusion": confusion_picture(teachers, images.class_names),
            "winner_curve": learning_curve(curve),
            "worst_images": worst_images(images, worst_predictions(predictions, WORST_IMAGES)),
        },
        charts={"pareto_picture": cost_chart(searched, front, references, metric)},
        tables={
            "limits": limits_table(limits, metric),
            "references": references_table(references, metric),
            "device": device_table(measurements, metric),
            "confused_classes": confused_classes_table(confusion, per_class, images.class_names),
            "per_class": per_class_table(
                per_class, per_class_accuracy(teachers, level), train_images, images.class_names
            ),
            "final_trainings": final_trainings_table(final_trainings, metric),
        },
    )


def _sentences(winner: Mapping[str, Any], references: pd.DataFrame, test_images: int) -> list[str]:
    found = [
        conclusions.comparison(winner, references, test_images),
        conclusions.delivered(winner),
        conclusions.indistinguishable(winner, references),
        winner["teacher_worth"],
    ]
    return [sentence for sentence in found if sentence]
