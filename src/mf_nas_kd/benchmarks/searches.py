"""Replayed searches as tables: one function for the benchmark and for the savings of a study."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields

import pandas as pd

from mf_nas_kd.benchmarks.entries import benchmark_runs, front_runs
from mf_nas_kd.benchmarks.fronts import FrontReplay, FrontRun
from mf_nas_kd.benchmarks.parameters import BenchmarkParameters
from mf_nas_kd.benchmarks.proxy_entries import ORDER, proxy_orders, with_known_proxies
from mf_nas_kd.benchmarks.replays import BenchmarkRun, run_replays
from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.search import StrategySettings
from mf_nas_kd.search.front_objective import ACCURACY_OBJECTIVE, FRONT_OBJECTIVE

LABEL = ("dataset", "space", "task", "strategy", "seed")
FRONT_COLUMNS = (*LABEL, *(field.name for field in fields(FrontReplay) if field.name != "trace"))
CURVE_COLUMNS = (*LABEL, "cumulative_cost_seconds", "hypervolume")


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
        names: Which entries take part; None for all, and for an order by each zero-cost proxy of a table.

    Returns:
        One row for each search, and one for each point of the searches' traces. Both are empty if no task has enough
        candidates.
    """
    entries = {
        name: entry
        for name, entry in parameters.entries.items()
        if entry.objective == ACCURACY_OBJECTIVE and (names is None or name in names)
    }
    options, goal = parameters.options_of(strategies), (parameters.budget, parameters.target_accuracy_points)
    runs: list[BenchmarkRun] = []
    for table in tables:
        orders = proxy_orders(table) if names is None and ORDER in strategies.root else {}
        of_orders = {name: strategies.options_of(entry.strategy, entry.options) for name, entry in orders.items()}
        taking_part = {**orders, **with_known_proxies(table, entries)}
        runs += benchmark_runs(table, taking_part, {**of_orders, **options}, parameters.macs_quantiles, *goal)
    searches, traces = [], []
    for run, seed, replayed in run_replays(runs, parameters.seeds, parameters.workers):
        measured = asdict(replayed)
        trace = measured.pop("trace")
        searches.append({**run.label, "seed": seed, **measured})
        for cost, regret in trace:
            traces.append({**run.label, "seed": seed, "cumulative_cost_seconds": cost, "regret_points": regret})
    return pd.DataFrame(searches), pd.DataFrame(traces)


def replayed_fronts(
    tables: Sequence[BenchmarkTable], parameters: BenchmarkParameters, strategies: StrategySettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replay the entries that search for a Pareto front, on every task of every table with every seed.

    Args:
        tables: Finished studies.
        parameters: Tasks, seeds, budget, entries, and the cost that stands against the score.
        strategies: Options of the strategies.

    Returns:
        One row for each search, and one for each rise of its hypervolume; without such entries both are empty.
    """
    entries = {name: entry for name, entry in parameters.entries.items() if entry.objective == FRONT_OBJECTIVE}
    options = parameters.options_of(strategies)
    runs: list[FrontRun] = []
    for table in tables:
        possible = with_known_proxies(table, entries)
        runs += front_runs(table, possible, options, parameters.macs_quantiles, parameters.budget, parameters.front)
    searches: list[dict[str, object]] = []
    curves: list[dict[str, object]] = []
    for run, seed, replayed in run_replays(runs, parameters.seeds, parameters.workers) if runs else ():
        measured = asdict(replayed)
        trace = measured.pop("trace")
        searches.append({**run.label, "seed": seed, **measured})
        for cost, share in trace:
            curves.append({**run.label, "seed": seed, "cumulative_cost_seconds": cost, "hypervolume": share})
    return pd.DataFrame(searches, columns=list(FRONT_COLUMNS)), pd.DataFrame(curves, columns=list(CURVE_COLUMNS))
