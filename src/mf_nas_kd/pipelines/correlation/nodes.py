"""Nodes of the pipeline ``correlation``."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures
from mf_nas_kd.statistics import BootstrapSettings, correlation_table
from mf_nas_kd.studies.plan import finished_evaluations


def correlate(plan: pd.DataFrame, evaluations: pd.DataFrame, bootstrap: BootstrapSettings) -> pd.DataFrame:
    """Correlate every low fidelity and every zero-cost proxy with high-fidelity evaluations."""
    finished = finished_evaluations(plan, evaluations)
    return correlation_table(finished, finished[finished["role"] == "full"], bootstrap)


def draw_correlation_against_cost(table: pd.DataFrame) -> Figure:
    """Draw the rank agreement of each low fidelity against its cost."""
    return figures.correlation_against_cost(table)


def draw_low_against_full(plan: pd.DataFrame, evaluations: pd.DataFrame) -> Figure:
    """Draw a scatter plot of each low fidelity against the high-fidelity evaluations."""
    finished = finished_evaluations(plan, evaluations)
    return figures.low_against_full(finished[finished["role"] == "low"], finished[finished["role"] == "full"])
