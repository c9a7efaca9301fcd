"""Progress of the search, with the reason of each step."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mf_nas_kd.figures.charts.chart import INK, Chart, hover, points
from mf_nas_kd.figures.correlation import fraction_text
from mf_nas_kd.figures.numbers import is_known, percent
from mf_nas_kd.figures.search import steps_by_kind
from mf_nas_kd.records import Fidelity
from mf_nas_kd.records.metrics import Metric


def progress_chart(trace: pd.DataFrame, plan: pd.DataFrame, metric: Metric) -> Chart:
    """The validation images' metric against the cost so far, as :func:`mf_nas_kd.figures.search_progress` shows it.

    Args:
        trace: ``search_trace``.
        plan: ``evaluation_plan``; its rows with the role ``full`` have the target fidelity.
        metric: The metric that selects.
    """
    traces = [
        points(
            label,
            rows["cumulative_cost_seconds"],
            rows[metric.validation],
            [_text(row, metric) for row in rows.to_dict(orient="records")],
            colour,
            marker,
            filled=filled,
        )
        for rows, colour, filled, marker, label in steps_by_kind(trace, plan, metric)
        if len(rows)
    ]
    incumbent = {
        "type": "scatter",
        "mode": "lines",
        "name": "incumbent: best high-fidelity evaluation so far",
        "x": trace["cumulative_cost_seconds"].tolist(),
        "y": trace[f"incumbent_{metric.validation}"].tolist(),
        "line": {"shape": "hv", "color": INK, "width": 1.3},
        "hoverinfo": "skip",
    }
    layout = {
        "xaxis": {"title": {"text": "seconds of training charged"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": f"validation {metric.label}"}, "tickformat": "~%"},
    }
    return Chart([*traces, incumbent], layout)


def _text(row: dict[Any, Any], metric: Metric) -> str:
    threshold = row["promotion_threshold"]
    fidelity = Fidelity.from_row(row)
    return hover(
        f"step {row['step']}: {row['architecture_id']}",
        f"{fraction_text(row['train_fraction'])} of the training images, {row['epochs']} epochs, {fidelity.method}",
        f"validation {metric.label}: {percent(row[metric.validation], 2)}",
        f"cost: {row['cost_seconds']:.3g} s, {row['cumulative_cost_seconds']:.4g} s in all",
        f"promotion threshold: {percent(threshold, 2)}" if is_known(threshold) else "",
        row["reason"],
    )
