"""Rank agreement of the fidelities of a benchmark table with its reference accuracies."""

from __future__ import annotations

import pandas as pd

from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.statistics import CorrelationSettings, correlation_table


def table_correlations(table: BenchmarkTable, settings: CorrelationSettings) -> pd.DataFrame:
    """Correlation table of a finished study: every fidelity and zero-cost proxy against the table's ``truth``.

    Args:
        table: The finished study.
        settings: Settings of intervals and of the test of added value.

    Returns:
        The rows described at :func:`mf_nas_kd.statistics.correlation_table`.
    """
    candidates = table.candidates.set_index("architecture_id")
    identifiers = table.evaluations["architecture_id"]
    evaluations = table.evaluations.assign(role="low", dataset=table.dataset)
    for name in candidates.columns.difference(evaluations.columns, sort=False):
        evaluations[name] = identifiers.map(candidates[name])
    full = table.at(table.truth).index
    evaluations.loc[full, "role"] = "full"
    scored = table.metric.scored(evaluations)
    return correlation_table(scored.dropna(subset=["val_score"]), scored.loc[full], settings)
