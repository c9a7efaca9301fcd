"""Test accuracies of the winner, the other finalists, the references and the teacher, with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mf_nas_kd.figures.style import COLOURS, GREY, PERCENT, figure, name_ticks
from mf_nas_kd.records.metrics import Metric

ROLES: Mapping[str, tuple[str, str, str]] = {
    "winner": ("winner", COLOURS[1], "*"),
    "finalist": ("other finalist", COLOURS[0], "o"),
    "cheaper": ("other finalist", COLOURS[0], "o"),
    "reference": ("reference", COLOURS[2], "D"),
    "teacher": ("teacher", GREY, "s"),
}
"""Name in legends, colour and marker of a network, by its role."""


def accuracies_picture(references: pd.DataFrame, metric: Metric) -> Figure:
    """Test accuracy, by a metric, of each network: a row each with its interval, the winner first, the best next.

    Networks with more MACs than the winner have hollow markers.

    Args:
        references: ``references``.
        metric: The metric.
    """
    rows = references.assign(first=references["role"] == "winner")
    rows = rows.sort_values(["first", metric.test], ascending=False).reset_index(drop=True)
    drawn, (axis,) = figure(5.4, 0.34 * len(rows) + 1.1)
    for role in dict.fromkeys(rows["role"]):
        _draw_role(axis, rows[rows["role"] == role], role, metric.test)
    axis.axvline(rows[metric.test].iloc[0], color=COLOURS[1], linewidth=0.8, linestyle=":", zorder=1)
    names = ["winner" if role == "winner" else name for name, role in zip(rows["name"], rows["role"], strict=True)]
    name_ticks(axis.yaxis, range(len(rows)), names)
    axis.set(xlabel=f"test {metric.label}", ylim=(len(rows) - 0.5, -0.5))
    axis.xaxis.set_major_formatter(PERCENT)
    return drawn


def _draw_role(axis: Axes, rows: pd.DataFrame, role: str, column: str) -> None:
    _, colour, marker = ROLES[role]
    low, high = (rows[f"{column}_{end}"].fillna(rows[column]) for end in ("low", "high"))
    axis.hlines(rows.index, low, high, color=colour, linewidth=2)
    filled = [colour if comparable or role == "winner" else "none" for comparable in rows["comparable"]]
    size = 130 if role == "winner" else 34
    axis.scatter(rows[column], rows.index, marker=marker, s=size, color=filled, edgecolors=colour, zorder=3)
