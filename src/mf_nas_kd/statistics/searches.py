"""Summary of replayed searches: means over seeds, and the ratio of each strategy to the best of the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mf_nas_kd.statistics.bootstrap import UNDEFINED, BootstrapSettings, Estimate, bootstrap, estimate_columns
from mf_nas_kd.statistics.savings import over_seeds

TASK = ("dataset", "space", "task")
SEARCH = (*TASK, "strategy", "seed")


def search_summary(searches: pd.DataFrame, settings: BootstrapSettings) -> pd.DataFrame:
    """Mean and standard error over seeds of all measures.

    Where a measure is missing for one seed, its mean is missing too: the mean over the other seeds would be biased.

    Args:
        searches: One row per search, with the columns ``SEARCH`` and numbers, among them ``cost_to_target_seconds`` and
            ``cost_to_best_seconds``; the same seeds for all strategies of a task.
        settings: Settings of the interval of the ratio.

    Returns:
        One row per task and strategy, in the order of ``searches``: ``TASK``, ``strategy``, ``seeds``;
        ``reached_target`` and ``reached_best``, shares of the seeds in [0, 1]; ``<name>`` and
        ``<name>_standard_error`` of each measure; ``ratio_to_best_other`` with ``_low`` and ``_high``, see
        :func:`ratio_to_best_other`.
    """
    measures = [str(name) for name in searches if name not in SEARCH]
    rows = []
    for task, of_task in searches.groupby(list(TASK), sort=False):
        costs = of_task.pivot(index="strategy", columns="seed", values="cost_to_target_seconds")
        for strategy, of_strategy in of_task.groupby("strategy", sort=False):
            row: dict[str, object] = dict(zip(TASK, task, strict=True))
            row |= {"strategy": strategy, "seeds": len(of_strategy)}
            for goal in ("target", "best"):
                row[f"reached_{goal}"] = of_strategy[f"cost_to_{goal}_seconds"].notna().mean()
            for name in measures:
                row[name], row[f"{name}_standard_error"] = over_seeds(of_strategy[name])
            others = costs.drop(index=strategy).to_numpy()
            ratio = ratio_to_best_other(costs.loc[strategy].to_numpy(), others, settings)
            row |= estimate_columns("ratio_to_best_other", ratio)
            rows.append(row)
    return pd.DataFrame(rows)


def ratio_to_best_other(own: NDArray[np.float64], others: NDArray[np.float64], settings: BootstrapSettings) -> Estimate:
    """Mean cost of a strategy divided by that of the best other strategy, with an interval over seeds.

    Seeds are resampled for all strategies together, and the best other strategy is determined in every resample. A
    strategy that missed its target with some seed is not the best one; if the strategy itself did, or if there is no
    other, the ratio is not a number.

    Args:
        own: ``(seeds,)``, costs in seconds.
        others: ``(strategies, seeds)``, likewise.
        settings: Settings of the bootstrap.
    """
    others = others[np.isfinite(others).all(axis=1)]
    if len(others) == 0:
        return UNDEFINED
    return bootstrap(lambda drawn: own[drawn].mean() / others[:, drawn].mean(axis=1).min(), len(own), settings)
