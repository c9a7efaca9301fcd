"""Tables of the report about the study, with texts for people in their cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mf_nas_kd.figures.correlation import PROXY
from mf_nas_kd.figures.numbers import is_known, percent
from mf_nas_kd.records import Fidelity
from mf_nas_kd.records.metrics import Metric

STATISTICS = {
    "kendall": "Kendall's tau",
    "partial_kendall": "Partial tau",
    "spearman": "Spearman's rho",
    "pearson": "Pearson's r",
}
"""Headings of the statistics of ``correlation_table``."""


def correlations_table(table: pd.DataFrame) -> pd.DataFrame:
    """The correlation of each cheap measurement with high-fidelity evaluations, a value with its interval a cell.

    Args:
        table: ``correlation_table``.
    """
    rows = table.to_dict(orient="records")
    return pd.DataFrame(
        {
            "Measurement": [_measurement(row) for row in rows],
            "n": [f"{row['n']:,.0f}" for row in rows],
            "Cost": [f"{100 * row['relative_cost']:.3g} %" if is_known(row["relative_cost"]) else "" for row in rows],
            **{heading: [_interval(row, name) for row in rows] for name, heading in STATISTICS.items()},
            "Added": [_number(row["added"], ".2f") for row in rows],
            "p": [_number(row["added_p"], ".2g") for row in rows],
            "Detectable": [_number(row["added_detectable"], ".2f") for row in rows],
        }
    )


def steps_table(trace: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The steps of the search, with their reasons.

    Args:
        trace: ``search_trace``.
        metric: The metric that selects.
    """
    rows = trace.to_dict(orient="records")
    return pd.DataFrame(
        {
            "Step": [f"{row['step']}" for row in rows],
            "Network": [row["architecture_id"] for row in rows],
            "Fidelity": [str(Fidelity.from_row(row)) for row in rows],
            "Seconds": [f"{row['cost_seconds']:.2f}" for row in rows],
            "In all": [f"{row['cumulative_cost_seconds']:.1f}" for row in rows],
            "Validation": [percent(row[metric.validation], 2) for row in rows],
            "Threshold": [percent(row["promotion_threshold"], 2) for row in rows],
            "Incumbent": [percent(row[f"incumbent_{metric.validation}"], 2) for row in rows],
            "Reason": [row["reason"] for row in rows],
        }
    )


def _measurement(row: Mapping[Any, Any]) -> str:
    name = row["distillation"]
    if row["role"] == "free":
        return f"zero-cost proxy {name.removeprefix(PROXY)}"
    fidelity = re.sub("none$", "plain", str(Fidelity.from_row(dict(row))))
    return fidelity if row["role"] == "low" else f"high fidelity: {fidelity}"


def _interval(row: Mapping[Any, Any], statistic: str) -> str:
    low, high = row[f"{statistic}_low"], row[f"{statistic}_high"]
    ends = f" [{low:.2f}, {high:.2f}]" if is_known(low) and is_known(high) else ""
    return f"{_number(row[statistic], '.2f')}{ends}"


def _number(value: Any, pattern: str) -> str:
    return format(value, pattern) if is_known(value) else ""
