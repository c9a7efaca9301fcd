"""Colours, markers, axes and legends that all pictures have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with any colour vision. https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#6b7280"


def figure(
    width: float, height: float, rows: int = 1, columns: int = 1, sharey: bool | Literal["row"] = False
) -> tuple[Figure, list[Axes]]:
    """A new figure outside of pyplot's global state, and its axes in reading order.

    Args:
        width: Width in inches.
        height: Height in inches.
        rows: Number of rows of axes.
        columns: Number of columns of axes.
        sharey: Whether all axes, or those of each row, share the vertical scale.
    """
    drawn = Figure(figsize=(width, height), layout="constrained", dpi=150)
    flat: list[Axes] = list(drawn.subplots(rows, columns, squeeze=False, sharey=sharey).flat)
    for axis in flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, linewidth=0.6)
        axis.set_axisbelow(True)
    return drawn, flat


def method_style(names: list[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each method, the same in every picture that shows the same methods."""
    return {
        name: (COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)])
        for i, name in enumerate(names)
    }


def shared_legend(drawn: Figure, axes: Sequence[Axes], columns: int, order: Callable[[str], int] | None = None) -> None:
    """Draw one legend below all axes, in which each label stands once.

    Args:
        drawn: The figure.
        axes: The axes whose lines are explained.
        columns: Number of columns of the legend.
        order: Sort key of the labels; None for the order in which they were drawn.
    """
    handles = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    labels = list(handles) if order is None else sorted(handles, key=order)
    lines = [handles[label] for label in labels]
    drawn.legend(lines, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
