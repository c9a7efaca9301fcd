"""Accuracy against cost, with the text of each network, and the best network within a limit of the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mf_nas_kd.figures.accuracies import ROLES
from mf_nas_kd.figures.charts.chart import INK, Chart, hover, points
from mf_nas_kd.figures.numbers import (
    counted,
    is_known,
    percent,
    percent_with_interval,
    short_count,
    training_text,
)
from mf_nas_kd.figures.style import COLOURS, GREY
from mf_nas_kd.records.metrics import Metric


def cost_chart(searched: pd.DataFrame, front: pd.DataFrame, references: pd.DataFrame, metric: Metric) -> Chart:
    """The validation images' metric against MACs, as :func:`mf_nas_kd.figures.search.pareto_picture` shows it.

    Args:
        searched: ``full_trainings``, the high-fidelity evaluations of the search.
        front: ``pareto_front``.
        references: ``references``.
        metric: The metric that selects.
    """
    score = metric.validation
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "Pareto front",
        "x": front["macs"].tolist(),
        "y": front[score].tolist(),
        "line": {"shape": "hv", "color": COLOURS[0], "width": 1.5},
        "hoverinfo": "skip",
    }
    texts = [_searched_text(row, metric) for row in searched.to_dict(orient="records")]
    traces = [
        points("evaluations of the search", searched["macs"], searched[score], texts, GREY, "o", style={"size": 6})
    ]
    traces += [line] if len(front) > 1 else []
    for (label, colour, marker), rows in references.groupby(references["role"].map(ROLES), sort=False):
        texts = [_network_text(row, metric) for row in rows.to_dict(orient="records")]
        traces.append(points(label, rows["macs"], rows[score], texts, colour, marker, zorder=int(marker == "*")))
    ring = {"size": 22, "line": {"width": 2}}
    unseen = {"hoverinfo": "skip", "showlegend": False, "meta": "chosen"}  # the slider moves it to the network it names
    traces.append(points("best within the limit", [], [], [], INK, "o", filled=False, style=ring, **unseen))
    layout = {
        "xaxis": {"type": "log", "title": {"text": "MACs of one image"}, "tickformat": "~s", "dtick": "D2"},
        "yaxis": {"title": {"text": f"validation {metric.label}"}, "tickformat": "~%"},
    }
    return Chart(traces, layout)


def cost_limits(references: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The network with the highest validation metric within each limit of the MACs: a row where the choice changes.

    Of the networks of the final training: the winner, other finalists and reference networks, without the teacher. The
    validation images choose; the test images are only reported.

    Args:
        references: ``references``.
        metric: The metric that selects.

    Returns:
        Columns ``macs, name, role, params, val, test``, with ``val`` as a number and ``test`` as a text with its
        interval, from the cheapest network on; each row is the choice from its MACs up to those of the next.
    """
    networks = references[(references["role"] != "teacher") & references[metric.validation].notna()]
    cheapest_first = networks.sort_values(["macs", metric.validation], ascending=[True, False])
    steps: list[dict[str, Any]] = []
    for row in cheapest_first.to_dict(orient="records"):
        if not steps or row[metric.validation] > steps[-1]["val"]:
            steps.append(
                {
                    "macs": int(row["macs"]),
                    "name": row["name"],
                    "role": ROLES[row["role"]][0],
                    "params": int(row["params"]),
                    "val": float(row[metric.validation]),
                    "test": _test(row, metric),
                }
            )
    return pd.DataFrame(steps, columns=["macs", "name", "role", "params", "val", "test"])


def limit_choices(limits: pd.DataFrame, metric: Metric) -> list[dict[str, Any]]:
    """What the page's slider shows, one entry a row of :func:`cost_limits`: place in the chart, and texts."""
    return [
        {
            "macs": row["macs"],
            "value": row["val"],
            "name": row["name"],
            "is_winner": row["role"] == ROLES["winner"][0],
            "text": f"{row['role']}: {row['macs']:,} MACs, {row['params']:,} parameters, "
            f"test {metric.label} {row['test']}, validation {percent(row['val'])}",
        }
        for row in limits.to_dict(orient="records")
    ]


def limits_table(limits: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The rows of :func:`cost_limits` as texts."""
    return pd.DataFrame(
        {
            "From, MACs": limits["macs"].map("{:,}".format),
            "Best network": limits["name"],
            "Role": limits["role"],
            "Parameters": limits["params"].map("{:,}".format),
            f"Validation {metric.label}": limits["val"].map(percent),
            f"Test {metric.label}": limits["test"],
        }
    )


def _network_text(row: Mapping[Any, Any], metric: Metric) -> str:
    ways = [training_text(row["epochs"], row["distillation"]), counted(int(row["seeds"]), "seed")]
    identity = row["architecture_id"]
    return hover(
        row["name"],
        f"{ROLES[row['role']][0]}{_named(identity, row['name'])}",
        *_costs(row),
        f"test {metric.label}: {_test(row, metric)}",
        f"validation {metric.label}: {percent(row[metric.validation], 2)}",
        ", ".join(filter(None, ways)),
    )


def _named(identity: Any, name: str) -> str:
    return f", architecture {identity}" if isinstance(identity, str) and identity not in ("", name) else ""


def _searched_text(row: Mapping[Any, Any], metric: Metric) -> str:
    tested = row.get(metric.test)
    return hover(
        row["architecture_id"],
        "evaluation of the search",
        *_costs(row),
        f"test {metric.label}: {percent(tested, 2)}, one training" if is_known(tested) else "",
        f"validation {metric.label}: {percent(row[metric.validation], 2)}",
    )


def _costs(row: Mapping[Any, Any]) -> Sequence[str]:
    return f"{short_count(row['macs'])} MACs, {int(row['params']):,} parameters", *_latency(row)


def _latency(row: Mapping[Any, Any]) -> Sequence[str]:
    latency = row.get("latency_ms")
    return [f"latency {latency:.3g} ms"] if is_known(latency) else []


def _test(row: Mapping[Any, Any], metric: Metric) -> str:
    ends = (row[f"{metric.test}_{end}"] for end in ("low", "high"))
    return percent_with_interval(row[metric.test], *ends)
