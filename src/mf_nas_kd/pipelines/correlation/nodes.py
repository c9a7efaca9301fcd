"""Nodes of the pipeline ``correlation``."""

from __future__ import annotations

import logging

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures, tracking
from mf_nas_kd.benchmarks import savings
from mf_nas_kd.benchmarks.parameters import BenchmarkParameters
from mf_nas_kd.benchmarks.study import study_table
from mf_nas_kd.search import StrategySettings
from mf_nas_kd.statistics import BootstrapSettings, correlation_table
from mf_nas_kd.studies.plan import finished_evaluations

logger = logging.getLogger(__name__)

SAVED = ("saved_to_target_seconds", "saved_to_target_percent", "saved_to_best_seconds", "saved_to_best_percent")


def correlate(plan: pd.DataFrame, evaluations: pd.DataFrame, bootstrap: BootstrapSettings) -> pd.DataFrame:
    """Correlate every low fidelity and every zero-cost proxy with high-fidelity evaluations."""
    finished = finished_evaluations(plan, evaluations)
    return correlation_table(finished, finished[finished["role"] == "full"], bootstrap)


def measure_savings(
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    candidates: pd.DataFrame,
    benchmark: BenchmarkParameters,
    strategies: StrategySettings,
    bootstrap: BootstrapSettings,
) -> pd.DataFrame:
    """Replay searches with and without low fidelities on the study; the savings are also logged to MLflow."""
    table = savings.measure_savings(study_table(plan, evaluations, candidates), benchmark, strategies, bootstrap.level)
    tracking.log_metrics(
        {
            f"{name}.{row.task}": value
            for row in table.itertuples()
            for name in SAVED
            if pd.notna(value := getattr(row, name))
        }
    )
    logger.info("%s", figures.savings_sentence(table))
    return table


def draw_correlation_against_cost(table: pd.DataFrame) -> Figure:
    """Draw the rank agreement of each low fidelity against its cost."""
    return figures.correlation_against_cost(table)


def draw_low_against_full(plan: pd.DataFrame, evaluations: pd.DataFrame) -> Figure:
    """Draw a scatter plot of each low fidelity against the high-fidelity evaluations."""
    finished = finished_evaluations(plan, evaluations)
    return figures.low_against_full(finished[finished["role"] == "low"], finished[finished["role"] == "full"])
