"""Replayed searches as tables: one function for the benchmark and for the savings of a study."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

import pandas as pd

from mf_nas_kd.benchmarks.entries import benchmark_runs
from mf_nas_kd.benchmarks.parameters import BenchmarkParameters
from mf_nas_kd.benchmarks.replays import BenchmarkRun, run_replays
from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.search import StrategySettings


def replayed_searches(
    tables: Sequence[BenchmarkTable],
    parameters: BenchmarkParameters,
    strategies: StrategySettings,
    names: Collection[str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replay strategies on every task of every table with every seed.

    Args:
        tables: Finished studies.
        parameters: Tasks, seeds, budget and entries.
        strategies: Options of the strategies.
        names: Which entries take part; None for all.

    Returns:
        One row for each search, and one for each point of the searches' traces. Both are empty if no task has enough
        candidates.
    """
    entries = {name: entry for name, entry in parameters.entries.items() if names is None or name in names}
    options, goal = parameters.options_of(strategies), (parameters.budget, parameters.target_accuracy_points)
    runs: list[BenchmarkRun] = []
    for table in tables:
        runs += benchmark_runs(table, entries, options, parameters.macs_quantiles, *goal)
    searches, traces = [], []
    for run, seed, replayed in run_replays(runs, parameters.seeds, parameters.workers):
        measured = asdict(replayed)
        trace = measured.pop("trace")
        searches.append({**run.label, "seed": seed, **measured})
        for cost, regret in trace:
            traces.append({**run.label, "seed": seed, "cumulative_cost_seconds": cost, "regret_points": regret})
    return pd.DataFrame(searches), pd.DataFrame(traces)
