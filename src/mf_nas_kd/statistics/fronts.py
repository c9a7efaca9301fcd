"""Summary of replayed searches for a Pareto front: means over seeds."""

from __future__ import annotations

import pandas as pd

from mf_nas_kd.statistics.savings import over_seeds
from mf_nas_kd.statistics.searches import SEARCH, TASK

GOAL = "hypervolume_half"


def front_summary(fronts: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard error over seeds of all measures.

    Args:
        fronts: One row per search, with the columns ``SEARCH`` and numbers; the same seeds for all strategies of a
            task.

    Returns:
        One row per task and strategy, in the order of ``fronts``: ``TASK``, ``strategy``, ``seeds``; ``<name>`` and
        ``<name>_standard_error`` of each measure; ``above_best_other`` with ``_standard_error``: mean over seeds of the
        difference to the other strategy with the highest mean hypervolume after half the budget.
    """
    measures = [str(name) for name in fronts if name not in SEARCH]
    rows = []
    for task, of_task in fronts.groupby(list(TASK), sort=False):
        shares = of_task.pivot(index="seed", columns="strategy", values=GOAL)
        for strategy, of_strategy in of_task.groupby("strategy", sort=False):
            row: dict[str, object] = dict(zip(TASK, task, strict=True))
            row |= {"strategy": strategy, "seeds": len(of_strategy)}
            for name in measures:
                row[name], row[f"{name}_standard_error"] = over_seeds(of_strategy[name])
            others = shares.drop(columns=strategy)
            above = shares[strategy] - (others[others.mean().idxmax()] if others.shape[1] else float("nan"))
            row["above_best_other"], row["above_best_other_standard_error"] = over_seeds(above)
            rows.append(row)
    added = [f"{name}{end}" for name in (*measures, "above_best_other") for end in ("", "_standard_error")]
    return pd.DataFrame(rows, columns=[*TASK, "strategy", "seeds", *added])
