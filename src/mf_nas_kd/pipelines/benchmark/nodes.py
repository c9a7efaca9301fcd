"""Nodes of the pipeline ``benchmark``."""

from __future__ import annotations

import logging
from dataclasses import asdict

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures, tracking
from mf_nas_kd.benchmarks import BenchmarkTable
from mf_nas_kd.benchmarks.replay import replay_tasks
from mf_nas_kd.benchmarks.replays import BenchmarkRun, run_replays
from mf_nas_kd.pipelines.benchmark.parameters import BenchmarkParameters, Entry
from mf_nas_kd.records import Fidelity
from mf_nas_kd.search import StrategySettings
from mf_nas_kd.statistics import BootstrapSettings, correlation_table, search_summary

logger = logging.getLogger(__name__)

FEWEST_CANDIDATES = 3  # with fewer there is nothing to search
LOGGED = ("cost_to_target_seconds", "cost_to_best_seconds", "recommended_test_accuracy", "ratio_to_best_other")


def list_candidates(tables: tuple[BenchmarkTable, ...]) -> pd.DataFrame:
    """The candidates of all tables, with what they cost."""
    columns = ["dataset", "space", "index", "architecture_id", "macs", "params"]
    listed = [table.candidates.assign(dataset=table.dataset, space=table.space)[columns] for table in tables]
    return pd.concat(listed, ignore_index=True)


def correlate_tables(tables: tuple[BenchmarkTable, ...], bootstrap: BootstrapSettings) -> pd.DataFrame:
    """Every fidelity and every free predictor against the truth, table by table."""
    return pd.concat([_correlate(table, bootstrap) for table in tables], ignore_index=True)


def replay_searches(
    tables: tuple[BenchmarkTable, ...], parameters: BenchmarkParameters, strategies: StrategySettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every strategy on every task of every table with every seed: one row a search, and their traces."""
    runs = [run for table in tables for run in _benchmark_runs(table, parameters, strategies)]
    replays = run_replays(runs, parameters.seeds, parameters.workers)
    searches, traces = [], []
    for run, seed, replayed in replays:
        measured = asdict(replayed)
        trace = measured.pop("trace")
        searches.append({**run.label, "seed": seed, **measured})
        for cost, regret in trace:
            traces.append({**run.label, "seed": seed, "cumulative_cost_seconds": cost, "regret_points": regret})
    return pd.DataFrame(searches), pd.DataFrame(traces)


def summarise_searches(searches: pd.DataFrame, bootstrap: BootstrapSettings) -> pd.DataFrame:
    """Means over seeds; also for MLflow and for whoever looks at the terminal."""
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
        logger.info("%s, %s:\n%s", dataset, space, figures.search_summary_text(rows))
    return summary


def draw_regret(traces: pd.DataFrame) -> Figure:
    """What the best network found so far lacks, against what was spent."""
    return figures.regret_against_cost(traces)


def draw_correlation_of_tables(table: pd.DataFrame) -> Figure:
    """The teaser, a row a table."""
    return figures.correlation_against_cost(table)


def _correlate(table: BenchmarkTable, bootstrap: BootstrapSettings) -> pd.DataFrame:
    candidates = table.candidates.set_index("architecture_id")
    names, full = table.evaluations["architecture_id"], table.at(table.truth).index
    evaluations = table.evaluations.assign(
        role="low",
        dataset=table.dataset,
        **{str(name): names.map(candidates[name]) for name in candidates if name not in table.evaluations},
    )
    evaluations.loc[full, "role"] = "full"
    return correlation_table(evaluations.dropna(subset=["val_accuracy"]), evaluations.loc[full], bootstrap)


def _benchmark_runs(
    table: BenchmarkTable, parameters: BenchmarkParameters, strategies: StrategySettings
) -> list[BenchmarkRun]:
    options = parameters.options_of(strategies)
    lows = {name: _low(table, name, entry) for name, entry in parameters.entries.items()}
    runs = []
    for name, task in replay_tasks(table, parameters.macs_quantiles).items():
        count = len(task.problem.candidates)
        if count < FEWEST_CANDIDATES:
            logger.warning("%s, task %s: left out, it has only %d candidates", table.name, name, count)
            continue
        restricted = {low: task.with_low(low) for low in set(lows.values())}
        runs += [
            BenchmarkRun(
                label={"dataset": table.dataset, "space": table.space, "task": name, "strategy": strategy},
                task=restricted[lows[strategy]],
                strategy=entry.strategy,
                options=options[strategy],
                budget=parameters.budget,
                target_accuracy_points=parameters.target_accuracy_points,
            )
            for strategy, entry in parameters.entries.items()
        ]
    return runs


def _low(table: BenchmarkTable, name: str, entry: Entry) -> tuple[Fidelity, ...]:
    """The low fidelities of a table that an entry may use: its cheapest one, if there is none of those wanted."""
    if entry.low == "none":
        return ()
    wanted = tuple(fidelity for fidelity in table.low if entry.low is None or entry.low.allows(fidelity))
    if not wanted and table.low:
        wanted = table.low[:1]
        logger.warning("%s: no low fidelity is what %s asks for, it gets the cheapest: %s", table.name, name, *wanted)
    return wanted
