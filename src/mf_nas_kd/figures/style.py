"""Colours, markers, axes and legends that all pictures have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.axis import Tick
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text

from mf_nas_kd.errors import printable

# Okabe and Ito's palette: told apart with any colour vision. https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#6b7280"


HIDDEN = "_"
"""Labels that begin so have no place in a legend of matplotlib."""


class PlainTextFigure(Figure):
    """A figure that shows every text as it is: names are the user's, and ``$`` in them does not begin a formula.

    The numbers at the ticks are matplotlib's own, and may be formulas (powers of ten).
    """

    def draw(self, renderer: RendererBase) -> None:
        at_ticks = {id(label) for tick in self.findobj(Tick) for label in (tick.label1, tick.label2)}
        for text in self.findobj(Text):
            if isinstance(text, Text) and id(text) not in at_ticks:
                text.set_parse_math(False)
                text.set_text(printable(text.get_text()))
        super().draw(renderer)


def legend_label(name: str) -> str:
    """Label of a line that is shown in a legend whatever the name begins with; :func:`shared_legend` shows the name."""
    return f" {name}" if name.startswith(HIDDEN) else name


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
    drawn = PlainTextFigure(figsize=(width, height), layout="constrained", dpi=150)
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
        axes: The axes whose lines are explained, with labels made by :func:`legend_label`.
        columns: Number of columns of the legend.
        order: Sort key of the labels; None for the order in which they were drawn.
    """
    handles = {
        label.removeprefix(" ") if label.startswith(f" {HIDDEN}") else label: line
        for axis in axes
        for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    names = list(handles) if order is None else sorted(handles, key=order)
    labels = [legend_label(name) for name in names]
    lines = [handles[name] for name in names]
    legend = drawn.legend(lines, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
