"""Which classes a network takes for which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mf_nas_kd.figures.style import figure, name_ticks

COUNTED_CLASSES = 20
"""Most classes whose counts are written into the cells."""
NAMED_CLASSES = 40
"""Most classes whose names are beside the rows; of more, every tenth number is."""
DARK, LIGHT = "#111827", "#ffffff"


def confusion_picture(confusion: NDArray[np.int64], class_names: Sequence[str]) -> Figure:
    """The confusion matrix: rows are true classes, columns predicted ones; errors are orange, right ones blue.

    The colour of a cell shows the fraction of the images of its row, on the scale of its square root, so that rare
    errors are seen.

    Args:
        confusion: Counts ``(K, K)``.
        class_names: Names of the ``K`` classes.
    """
    classes = len(class_names)
    size = min(7.5, 2.2 + 0.32 * classes)
    drawn, (axis,) = figure(size, size)
    fractions = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axis.imshow(_colours(fractions), interpolation="nearest")
    axis.grid(visible=False)
    if classes <= COUNTED_CLASSES:
        _write_counts(axis, confusion, fractions)
    _name_classes(axis, class_names)
    axis.set(xlabel="predicted class", ylabel="true class")
    return drawn


def _colours(fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours ``(K, K, 4)`` of the cells; those without an image are transparent."""
    shades = np.sqrt(fractions)
    right = np.eye(len(fractions), dtype=bool)[..., None]
    colours = np.where(right, colormaps["Blues"](0.9 * shades), colormaps["Oranges"](0.9 * shades))
    colours[..., 3] = fractions > 0
    return colours


def _write_counts(axis: Axes, confusion: NDArray[np.int64], fractions: NDArray[np.float64]) -> None:
    size = 8 if len(confusion) <= COUNTED_CLASSES / 2 else 6
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            colour = LIGHT if fractions[row, column] > 0.4 else DARK
            axis.text(column, row, f"{count}", ha="center", va="center", fontsize=size, color=colour)


def _name_classes(axis: Axes, class_names: Sequence[str]) -> None:
    classes = len(class_names)
    if classes > NAMED_CLASSES:
        numbers = range(0, classes, 10)
        for of_axis in (axis.xaxis, axis.yaxis):
            name_ticks(of_axis, numbers, [str(number) for number in numbers])
        return
    size = 9 if classes <= COUNTED_CLASSES else 6
    for of_axis in (axis.xaxis, axis.yaxis):
        name_ticks(of_axis, range(classes), class_names, fontsize=size)
    axis.tick_params("x", rotation=90)
