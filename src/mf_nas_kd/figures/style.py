"""Colours, markers, axes and legends that all pictures have in common."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import EngFormatter, FuncFormatter

from mf_nas_kd.errors import printable

# Okabe and Ito's palette: told apart with any colour vision. https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#6b7280"

PERCENT = FuncFormatter(lambda fraction, _: f"{100 * fraction:.4g} %")
"""Ticks of fractions, in per cent."""


LONGEST_NAME = 28
"""Most characters of a name at a tick or over an image."""

HIDDEN = "_"
"""Labels that begin so have no place in a legend of matplotlib."""


class PlainTextFigure(Figure):
    """A figure that shows every text as it is: names are the user's, and ``$`` in them does not begin a formula.

    The numbers at the ticks are matplotlib's own, and may be formulas (powers of ten); for names at ticks, see
    :func:`name_ticks`. Characters that the font lacks are boxes in a PNG file and are shown in a browser; matplotlib
    does not warn of each.
    """

    def draw(self, renderer: RendererBase) -> None:
        at_ticks = {id(label) for tick in self.findobj(Tick) for label in (tick.label1, tick.label2)}
        for text in self.findobj(Text):
            if isinstance(text, Text) and id(text) not in at_ticks:
                text.set_parse_math(False)
                text.set_text(printable(text.get_text()))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            super().draw(renderer)


def legend_label(name: str) -> str:
    """Label of a line that is shown in a legend whatever the name begins with; :func:`shared_legend` shows the name."""
    return f" {name}" if name.startswith(HIDDEN) else name


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """A name without characters that cannot be shown, and without its middle if it is long.

    >>> shortened("a very long name", longest=9)
    'a ve…name'
    """
    text = printable(name)
    half = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[len(text) - half :]}"


def name_ticks(axis: Axis, places: Iterable[float], names: Sequence[str], **properties: Any) -> None:
    """Put names, as they are, at places of an axis; long ones are shortened.

    Args:
        axis: The axis.
        places: Where each name stands.
        names: The names.
        **properties: Properties of the texts, such as ``fontsize``.
    """
    labels = axis.set_ticks(list(places), [shortened(name) for name in names], **properties)
    for tick in labels:
        for text in (tick.label1, tick.label2):
            text.set_parse_math(False)


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


def round_log_ticks(axis: Axis, values: Iterable[float]) -> None:
    """Ticks at 1, 2 and 5 times the powers of ten around values on a logarithmic axis, with a unit prefix.

    Those of matplotlib are powers of ten only, of which a range of less than a decade has one or none.

    Args:
        axis: The axis.
        values: What is drawn along it, above 0.
    """
    low, high = min(values := list(values)), max(values)
    round_numbers = [digit * 10.0**power for power in range(-5, 13) for digit in (1, 2, 5)]
    axis.set_ticks([number for number in round_numbers if low / 1.5 < number < high * 1.5])
    axis.set_ticks([], minor=True)
    axis.set_major_formatter(EngFormatter(sep=""))


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
