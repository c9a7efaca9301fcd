"""Pictures of some training images, and of the test images that a network gets most wrong."""

from __future__ import annotations

from typing import cast

import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from mf_nas_kd.figures.numbers import percent
from mf_nas_kd.figures.style import figure, shortened
from mf_nas_kd.images import ImageDataset

SHOWN_CLASSES = 10
SHOWN_PER_CLASS = 8
SHOWN_PER_ROW = 4


def sample_images(images: ImageDataset) -> Figure:
    """Picture of the first training images of at most ten classes, one class a row."""
    classes = min(SHOWN_CLASSES, images.classes)
    drawn, axes = figure(0.55 * SHOWN_PER_CLASS + 0.8, 0.6 * classes + 0.3, classes, SHOWN_PER_CLASS)
    for label in range(classes):
        members = images.train[(images.train.labels == label).nonzero().flatten()[:SHOWN_PER_CLASS]].images
        for column in range(SHOWN_PER_CLASS):
            show(axes[label * SHOWN_PER_CLASS + column], members[column] if column < len(members) else None)
        axes[label * SHOWN_PER_CLASS].set_ylabel(images.class_names[label], rotation=0, ha="right", va="center")
    drawn.suptitle(f"{images.name}: training images of {classes} of {images.classes} classes", fontsize=9)
    return drawn


def worst_images(images: ImageDataset, worst: pd.DataFrame) -> Figure:
    """Picture of test images that a network gets most wrong, with their true class and what it takes them for.

    Args:
        images: The images.
        worst: Rows of ``statistics.worst_predictions``: ``image`` (a position among the test images), ``label``,
            ``predicted``, ``probability_of_predicted``. Without rows, the picture says so.
    """
    rows = -(-max(len(worst), 1) // SHOWN_PER_ROW)
    drawn, axes = figure(1.05 * SHOWN_PER_ROW, 1.5 * rows, rows, SHOWN_PER_ROW)
    pixels = images.test[torch.tensor(worst["image"].tolist(), dtype=torch.int64)].images
    for index, axis in enumerate(axes):
        show(axis, pixels[index] if index < len(worst) else None)
    for axis, row in zip(axes, worst.itertuples(index=False), strict=False):
        true, taken = (shortened(images.class_names[cast(int, label)], 14) for label in (row.label, row.predicted))
        axis.set_title(f"{true}\n→ {taken}\n{percent(row.probability_of_predicted)}", fontsize=8)
    if worst.empty:
        drawn.suptitle("no test image is wrong", fontsize=9)
    return drawn


def show(axis: Axes, pixels: Tensor | None) -> None:
    """Show an image ``(C, H, W)``, uint8, without ticks; an empty place for None."""
    axis.grid(visible=False)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    if pixels is not None:
        axis.imshow(pixels.permute(1, 2, 0).squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=255)
