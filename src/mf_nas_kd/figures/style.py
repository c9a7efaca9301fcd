"""One look for all pictures."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with any colour vision. https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#6b7280"


def figure(width: float, height: float, rows: int = 1, columns: int = 1, **kwargs: object) -> tuple[Figure, list[Axes]]:
    """A figure outside of pyplot's global state, and its axes in reading order.

    Args:
        width: Inches.
        height: Inches.
        rows: Of axes.
        columns: Of axes.
        **kwargs: For ``Figure.subplots``.
    """
    drawn = Figure(figsize=(width, height), layout="constrained", dpi=150)
    axes = drawn.subplots(rows, columns, squeeze=False, **kwargs)
    flat = list(axes.flat)
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
