"""Nodes of the pipeline ``correlation``."""

from __future__ import annotations

import logging

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures, tracking
from mf_nas_kd.benchmarks import savings
from mf_nas_kd.benchmarks.parameters import BenchmarkParameters
from mf_nas_kd.benchmarks.study import study_table
from mf_nas_kd.devices.measurement import MeasuredGraph
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.records import MetricSetting
from mf_nas_kd.records.device_costs import FLOAT32
from mf_nas_kd.search import StrategySettings
from mf_nas_kd.statistics import CorrelationSettings, correlation_table, distillation_comparison
from mf_nas_kd.statistics.ceiling import mean_over_seeds
from mf_nas_kd.statistics.proxy_value import proxy_table
from mf_nas_kd.studies.device_costs import with_latency
from mf_nas_kd.studies.plan import scored_by_role

logger = logging.getLogger(__name__)

SAVED = ("saved_to_target_seconds", "saved_to_target_percent", "saved_to_best_seconds", "saved_to_best_percent")


def correlate(
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    device_costs: pd.DataFrame,
    candidate_proxies: pd.DataFrame,
    images: ImageDataset,
    settings: CorrelationSettings,
    metric: MetricSetting,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Correlate every low fidelity and every zero-cost proxy with high-fidelity evaluations.

    The latency on this machine is a proxy too, where it is known of all candidates. Low fidelities are compared with
    those proxies that are shown to add to MACs and parameters, too.

    Returns:
        The correlation table, the comparison of distilled with plain low fidelities, and the table of proxies.
    """
    low, full, repeats = scored_by_role(plan, evaluations, metric.value)
    full = with_latency(full, device_costs, MeasuredGraph(images.classes, images.image_shape, FLOAT32))
    with_proxies = full.merge(candidate_proxies, on="architecture_id", how="left")
    proxies = proxy_table(mean_over_seeds(with_proxies, repeats), settings)
    accepted = proxies.loc[proxies["accepted"], "proxy"].tolist()
    logger.info("%s", figures.proxies_sentence(proxies))
    table = correlation_table(pd.concat([low, full]), with_proxies, settings, repeats, accepted)
    return table, distillation_comparison(low, mean_over_seeds(full, repeats), settings), proxies


def measure_savings(
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    candidates: pd.DataFrame,
    benchmark: BenchmarkParameters,
    strategies: StrategySettings,
    settings: CorrelationSettings,
    metric: MetricSetting,
) -> pd.DataFrame:
    """Replay searches with and without low fidelities on the study; the savings are also logged to MLflow."""
    study = study_table(plan, evaluations, candidates).by(metric.value)
    table = savings.measure_savings(study, benchmark, strategies, settings.level)
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


def draw_low_against_full(plan: pd.DataFrame, evaluations: pd.DataFrame, metric: MetricSetting) -> Figure:
    """Draw a scatter plot of each low fidelity against the high-fidelity evaluations."""
    low, full, repeats = scored_by_role(plan, evaluations, metric.value)
    return figures.low_against_full(low, mean_over_seeds(full, repeats), metric.value)
