"""A chart as plotly.js reads it, and plotly.js itself, packed."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from textwrap import wrap
from typing import Any

from markupsafe import escape

from mf_nas_kd.errors import printable
from mf_nas_kd.figures.style import COLOURS

INK = "@ink"
"""Stands for the colour of the page's text, light or dark; the script of the page fills it in."""

LIBRARY = "plotly-basic.min.js"
LIBRARY_NAME = "plotly.js 4.1.1"
HOVER_WIDTH = 48
"""Characters after which a text that appears at a point is broken into lines."""

SYMBOLS: Mapping[str, str] = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "v": "triangle-down",
    "D": "diamond",
    "P": "cross",
    "X": "x",
    "*": "star",
}
"""Names of matplotlib's markers in plotly.js."""


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        traces: Traces in the form of plotly.js.
        layout: Layout in the form of plotly.js; fonts, colours, legend and margins are added by the script of the page.
        height: Height in pixels.
        narrow: What replaces parts of the layout on a narrow screen.
        narrow_height: Height in pixels on a narrow screen.
    """

    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    height: int = 440
    narrow: Mapping[str, Any] = field(default_factory=dict)
    narrow_height: int = 440

    def to_json(self) -> str:
        """The chart as JSON that may stand in a ``script`` element; what is black has the colour of the page's text."""
        value = {
            "traces": self.traces,
            "layout": self.layout,
            "height": self.height,
            "narrow": self.narrow,
            "narrow_height": self.narrow_height,
        }
        return json_for_page(value).replace(f'"{COLOURS[-1]}"', f'"{INK}"')


def json_for_page(value: Any) -> str:
    r"""A value as JSON that may stand in a ``script`` element of a page.

    >>> print(json_for_page({"a": float("nan"), "b": "</script>"}))
    {"a": null, "b": "\u003c/script>"}
    """
    return json.dumps(_without_nan(value)).replace("<", "\\u003c")


def points(
    name: str,
    x: Iterable[float],
    y: Iterable[float],
    texts: Sequence[str],
    colour: str,
    marker: str,
    filled: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """A trace of points, each with a text that appears when it is pointed at.

    Args:
        name: Its label in the legend.
        x: Horizontal positions.
        y: Vertical positions.
        texts: The texts, as :func:`hover` makes them.
        colour: Colour, or :data:`INK`.
        marker: Marker, as matplotlib names it.
        filled: Whether the marks are filled.
        **more: Further properties of the trace.
    """
    size = 15 if marker == "*" else 9
    symbol = SYMBOLS[marker] if filled else f"{SYMBOLS[marker]}-open"
    style = {"color": colour, "symbol": symbol, "size": size, **more.pop("style", {})}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(name),
        "x": [*x],
        "y": [*y],
        "hovertext": list(texts),
        "hoverinfo": "text",
        "marker": style,
        **more,
    }


def hover(*lines: str) -> str:
    """Lines as the text that appears at a point: the first one bold, long ones broken, empty ones left out.

    >>> hover("a<b", "", "MACs: 5")
    '<b>a&lt;b</b><br>MACs: 5'
    """
    first, *others = [plain(line) for line in lines if line]
    return "<br>".join([f"<b>{first}</b>", *others])


def plain(text: str) -> str:
    """A text of the user's that plotly.js shows as it is, in lines."""
    return "<br>".join(str(escape(line)) for line in wrap(printable(text), HOVER_WIDTH)) or " "


def packed_library() -> str:
    """plotly.js, compressed with gzip and written in base64: 0.53 instead of 1.19 MB. Browsers since 2023 unpack it."""
    text = resources.files("mf_nas_kd.figures.charts").joinpath(LIBRARY).read_bytes()
    return base64.b64encode(gzip.compress(text, mtime=0)).decode("ascii")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_nan(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(each) for each in value]
    if hasattr(value, "item"):  # a number of numpy's
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
