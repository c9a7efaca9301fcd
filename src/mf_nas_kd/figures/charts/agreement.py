"""Rank agreement with high-fidelity evaluations against cost, with the text of each low fidelity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd

from mf_nas_kd.figures.charts.chart import Chart, hover, plain, points
from mf_nas_kd.figures.correlation import PROXY, fraction_text, methods_of, with_methods
from mf_nas_kd.figures.numbers import counted, is_known
from mf_nas_kd.figures.style import GREY, method_style
from mf_nas_kd.figures.verdict import PROXY_NAMES

PANELS: Mapping[str, tuple[str, str]] = {
    "kendall": ("", "Kendall's tau with high-fidelity evaluations"),
    "partial_kendall": ("2", "... given MACs and parameter count"),
}
"""Axes and title of each panel, by its statistic."""

POINTS_OF_A_LINE = 40  # a line is pointed at where it has points


def agreement_chart(table: pd.DataFrame) -> Chart:
    """Kendall's tau, alone and given MACs and parameter count, against relative cost: one study's table.

    Args:
        table: ``correlation_table`` of one dataset and space.
    """
    low = with_methods(table[table["role"] == "low"])
    styles = method_style(methods_of(low))
    traces = []
    for statistic in PANELS:
        for name in styles:
            traces.append(_method(low[low["method"] == name].sort_values("relative_cost"), statistic, *styles[name]))
    proxies = table[(table["role"] == "free") & table["kendall"].notna()]
    ends = [low["relative_cost"].min() / 1.4, low["relative_cost"].max() * 1.4] if len(low) else [0.01, 1.0]
    traces += [_proxy(row, ends, dash) for (_, row), dash in zip(proxies.iterrows(), cycle(("dash", "dot", "dashdot")))]
    layout: dict[str, Any] = {"annotations": [_title(*panel) for panel in PANELS.values()]}
    for number, _ in PANELS.values():
        layout[f"xaxis{number}"] = {
            "type": "log",
            "title": {"text": "cost relative to a high-fidelity evaluation"},
            "tickformat": "~%",
            "dtick": "D2",
            "range": [float(np.log10(end)) for end in ends],
        }
        layout[f"yaxis{number}"] = {"zeroline": True}
    layout["yaxis"]["title"] = {"text": "rank agreement"}
    beside, below = ({"rows": 1, "columns": 2}, {"rows": 2, "columns": 1})
    wide = {**layout, "grid": {**beside, "pattern": "independent", "xgap": 0.12}}
    return Chart(traces, wide, 470, {"grid": {**below, "pattern": "independent", "ygap": 0.32}}, 820)


def _method(rows: pd.DataFrame, statistic: str, colour: str, marker: str) -> dict[str, Any]:
    number, _ = PANELS[statistic]
    name = re.sub("^none(?=$|,)", "plain (none)", str(rows["method"].iloc[0]))
    values, low, high = (rows[f"{statistic}{end}"] for end in ("", "_low", "_high"))
    errors = {
        "type": "data",
        "symmetric": False,
        "array": (high - values).clip(lower=0).fillna(0).tolist(),
        "arrayminus": (values - low).clip(lower=0).fillna(0).tolist(),
        "thickness": 1,
        "width": 3,
        "color": colour,
    }
    return points(
        name,
        rows["relative_cost"],
        values,
        [_text(row, name) for row in rows.to_dict(orient="records")],
        colour,
        marker,
        mode="lines+markers",
        line={"color": colour, "width": 1.5},
        error_y=errors,
        legendgroup=name,
        showlegend=statistic == "kendall",
        xaxis=f"x{number}",
        yaxis=f"y{number}",
    )


def _proxy(row: pd.Series, ends: list[float], dash: str) -> dict[str, Any]:
    own_name = row["distillation"].removeprefix(PROXY)
    places = np.geomspace(ends[0], ends[1], POINTS_OF_A_LINE).tolist()
    text = hover(
        PROXY_NAMES.get(own_name, own_name), "zero-cost proxy", f"tau {_value(row, 'kendall')}", _candidates(row)
    )
    return {
        "type": "scatter",
        "mode": "lines",
        "name": plain(f"{own_name} (zero-cost proxy)"),
        "x": places,
        "y": [row["kendall"]] * len(places),
        "hovertext": [text] * len(places),
        "hoverinfo": "text",
        "line": {"color": GREY, "dash": dash, "width": 1.3},
    }


def _text(row: Mapping[Any, Any], name: str) -> str:
    return hover(
        name,
        f"{fraction_text(row['train_fraction'])} of the training images, {counted(int(row['epochs']), 'epoch')}",
        f"cost: {100 * row['relative_cost']:.2g} % of a high-fidelity evaluation",
        f"tau {_value(row, 'kendall')}",
        f"given MACs and parameters {_value(row, 'partial_kendall')}",
        _candidates(row),
    )


def _candidates(row: Mapping[Any, Any] | pd.Series) -> str:
    return f"{counted(int(row['n']), 'candidate')}, bootstrap interval"


def _value(row: Mapping[Any, Any] | pd.Series, statistic: str) -> str:
    value, low, high = (row[f"{statistic}{end}"] for end in ("", "_low", "_high"))
    if not is_known(value):
        return "undefined"
    return f"{value:.2f} [{low:.2f}, {high:.2f}]" if is_known(low) and is_known(high) else f"{value:.2f}, no interval"


def _title(number: str, title: str) -> dict[str, Any]:
    """The title of a panel: a text above its axes."""
    return {
        "text": title,
        "xref": f"x{number} domain",
        "yref": f"y{number} domain",
        "x": 0,
        "y": 1.02,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }
