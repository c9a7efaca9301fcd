"""What low-fidelity evaluations save a search on a study's own evaluations, measured by replay.

The same strategy is replayed with the study's low fidelities and without any, with the seeds, tasks and target of the
benchmark; beside them the zero-cost orders. All numbers are those of ``kedro run --pipelines=benchmark`` on the study.
"""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from mf_nas_kd.benchmarks.parameters import BenchmarkParameters, SavingsEntries
from mf_nas_kd.benchmarks.replay import replay_tasks
from mf_nas_kd.benchmarks.searches import replayed_searches
from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.search import StrategySettings
from mf_nas_kd.statistics.savings import over_seeds, paired_saving

logger = logging.getLogger(__name__)

GOALS = ("target", "best")
SIDES = ("with", "without", "zero_cost")
SAVINGS_COLUMNS = (
    "dataset",
    "space",
    "task",
    "candidates",
    "seeds",
    "target_accuracy_points",
    *SIDES,
    *(
        f"{name}_{side}"
        for name in ("low_fidelity_evaluations", "high_fidelity_evaluations")
        for side in ("with", "without")
    ),
    *(
        f"{name}{end}"
        for goal in GOALS
        for name in (f"cost_to_{goal}_seconds_{side}" for side in SIDES)
        for end in ("", "_standard_error")
    ),
    *(
        f"saved_to_{goal}_{name}"
        for goal in GOALS
        for name in (
            "seconds",
            "seconds_standard_error",
            "seconds_low",
            "seconds_high",
            "percent",
            "percent_standard_error",
        )
    ),
)


def measure_savings(
    table: BenchmarkTable, parameters: BenchmarkParameters, strategies: StrategySettings, level: float
) -> pd.DataFrame:
    """Replay the compared strategies on a study, and compare their costs seed by seed.

    Args:
        table: The finished study.
        parameters: Tasks, seeds, target and entries; ``parameters.savings`` names the entries that are compared.
        strategies: Options of the strategies.
        level: Nominal coverage of the intervals, in (0, 1).

    Returns:
        One row a task, with the columns ``SAVINGS_COLUMNS``; costs in seconds of training. ``zero_cost`` is the
        zero-cost order with the lower mean cost to the target. Not-a-number where a search missed its goal within the
        budget. No row if an entry is left out, or no task has enough candidates.
    """
    names = parameters.savings
    missing = [
        name for name in (names.with_low_fidelities, names.without_low_fidelities) if name not in parameters.entries
    ]
    if missing:
        logger.warning("Savings are not measured: benchmark.strategies leaves out %s", ", ".join(missing))
        return pd.DataFrame(columns=list(SAVINGS_COLUMNS))
    searches, _ = replayed_searches([table], parameters, strategies, names.all)
    if searches.empty:
        return pd.DataFrame(columns=list(SAVINGS_COLUMNS))
    tasks = replay_tasks(table, parameters.macs_quantiles)
    rows = [
        {
            "dataset": table.dataset,
            "space": table.space,
            "task": task,
            "candidates": len(tasks[str(task)].problem.candidates),
            "seeds": parameters.seeds,
            "target_accuracy_points": parameters.target_accuracy_points,
            **_compared(of_task, names, level),
        }
        for task, of_task in searches.groupby("task", sort=False)
    ]
    return pd.DataFrame(rows, columns=list(SAVINGS_COLUMNS))


def _compared(searches: pd.DataFrame, names: SavingsEntries, level: float) -> dict[str, object]:
    """Columns of one task."""
    by_name = {str(name): rows.set_index("seed") for name, rows in searches.groupby("strategy")}
    orders = [name for name in names.zero_cost_orders if name in by_name]
    sides = {
        "with": names.with_low_fidelities,
        "without": names.without_low_fidelities,
        "zero_cost": min(orders, key=lambda name: _finite(by_name[name]), default=""),
    }
    row: dict[str, object] = dict(sides)
    for side in ("with", "without"):
        for name in ("low_fidelity_evaluations", "high_fidelity_evaluations"):
            row[f"{name}_{side}"], _ = over_seeds(by_name[sides[side]][name])
    for goal in GOALS:
        costs = {side: by_name[name][f"cost_to_{goal}_seconds"] for side, name in sides.items() if name}
        for side, values in costs.items():
            mean, error = over_seeds(values)
            row |= {f"cost_to_{goal}_seconds_{side}": mean, f"cost_to_{goal}_seconds_{side}_standard_error": error}
        saving = paired_saving(costs["with"], costs["without"], level)
        row |= {f"saved_to_{goal}_{name}": value for name, value in vars(saving).items()}
    return row


def _finite(searches: pd.DataFrame) -> float:
    """Mean cost to the target, infinite where a search missed it."""
    mean, _ = over_seeds(searches["cost_to_target_seconds"])
    return mean if np.isfinite(mean) else np.inf
