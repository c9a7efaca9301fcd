"""Nodes of the pipeline ``benchmark``."""

from __future__ import annotations

import logging

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures, tracking
from mf_nas_kd.benchmarks import BenchmarkTable
from mf_nas_kd.benchmarks.correlation import table_correlations
from mf_nas_kd.benchmarks.parameters import BenchmarkParameters
from mf_nas_kd.benchmarks.searches import replayed_fronts, replayed_searches
from mf_nas_kd.records import MetricSetting
from mf_nas_kd.search import StrategySettings
from mf_nas_kd.statistics import CorrelationSettings, front_summary, search_summary

logger = logging.getLogger(__name__)

LOGGED = ("cost_to_target_seconds", "cost_to_best_seconds", "recommended_test_accuracy", "ratio_to_best_other")


def list_candidates(tables: tuple[BenchmarkTable, ...]) -> pd.DataFrame:
    """The candidates of all tables, with their MACs and parameter counts."""
    columns = ["dataset", "space", "index", "architecture_id", "macs", "params"]
    listed = [table.candidates.assign(dataset=table.dataset, space=table.space)[columns] for table in tables]
    return pd.concat(listed, ignore_index=True)


def correlate_tables(
    tables: tuple[BenchmarkTable, ...], settings: CorrelationSettings, metric: MetricSetting
) -> pd.DataFrame:
    """Correlation tables of all benchmark tables, one below the other."""
    return pd.concat([table_correlations(table.by(metric.value), settings) for table in tables], ignore_index=True)


def replay_searches(
    tables: tuple[BenchmarkTable, ...],
    parameters: BenchmarkParameters,
    strategies: StrategySettings,
    metric: MetricSetting,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replay every strategy on every task of every table with every seed.

    Returns:
        One row for each search, and one for each point of the searches' traces.
    """
    return replayed_searches([table.by(metric.value) for table in tables], parameters, strategies)


def summarise_searches(searches: pd.DataFrame, bootstrap: CorrelationSettings) -> pd.DataFrame:
    """Summarise the searches over seeds; the summary is also logged to MLflow and to the terminal."""
    summary = search_summary(searches, bootstrap)
    tracking.log_metrics(
        {
            f"{name}.{row.dataset}.{row.space}.{row.task}.{row.strategy}": value
            for row in summary.itertuples()
            for name in LOGGED
            if pd.notna(value := getattr(row, name))
        }
    )
    for (dataset, space), rows in summary.groupby(["dataset", "space"], sort=False):
        what = "mean cost to the target +- standard error (and as a ratio to the best other strategy)"
        logger.info("%s, %s, %s:\n%s", dataset, space, what, figures.search_summary_text(rows))
    return summary


def draw_regret(traces: pd.DataFrame) -> Figure:
    """Draw the regret of each strategy against the cost of the search."""
    return figures.regret_against_cost(traces)


def replay_fronts(
    tables: tuple[BenchmarkTable, ...],
    parameters: BenchmarkParameters,
    strategies: StrategySettings,
    metric: MetricSetting,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replay the strategies that search for a Pareto front; one row for each search, and one for each rise."""
    return replayed_fronts([table.by(metric.value) for table in tables], parameters, strategies)


def summarise_fronts(fronts: pd.DataFrame) -> pd.DataFrame:
    """Summarise the searches for fronts over seeds; the summary is also logged to MLflow and to the terminal."""
    summary = front_summary(fronts)
    tracking.log_metrics(
        {
            f"hypervolume_half.{row['dataset']}.{row['space']}.{row['task']}.{row['strategy']}": row["hypervolume_half"]
            for row in summary.to_dict("records")
        }
    )
    for (dataset, space), rows in summary.groupby(["dataset", "space"], sort=False):
        text = figures.front_summary_text(rows)
        logger.info("%s, %s, hypervolume after half the budget, relative to the true front:\n%s", dataset, space, text)
    return summary


def draw_fronts(curves: pd.DataFrame) -> Figure:
    """Draw the hypervolume of each strategy against the cost of the search."""
    return figures.hypervolume_against_cost(curves)


def draw_correlation_of_tables(table: pd.DataFrame) -> Figure:
    """Draw the rank agreement against cost, one row of panels for each table."""
    return figures.correlation_against_cost(table)
