"""Comparison of strategies on replayed searches: regret against cost as a picture, and the summary as a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from mf_nas_kd.figures.style import COLOURS, figure, legend_label, shared_legend

OURS = "mf_kd"
DASHES = ("-", "--", ":")
COSTS = 400  # number of costs at which the curves are drawn
REGRET_TICKS = (0, 0.5, 1, 2, 5, 10, 20, 50)


def regret_against_cost(traces: pd.DataFrame) -> Figure:
    """Regret of the incumbent against the cost of the search, mean over seeds with a band of one standard error.

    Each table has a row of panels, each task a panel, each strategy a line. A line begins where the search of every
    seed has finished a high-fidelity evaluation.

    Args:
        traces: ``benchmark_traces``.
    """
    tables = list(traces.groupby(["dataset", "space"], sort=False))
    tasks = traces["task"].unique()
    styles = _styles(list(traces["strategy"].unique()))
    drawn, axes = figure(max(3.6 * len(tasks), 6.4), 2.9 * len(tables) + 0.9, len(tables), len(tasks), sharey="row")
    for row, ((dataset, space), of_table) in enumerate(tables):
        of_row = axes[row * len(tasks) : (row + 1) * len(tasks)]
        for task, axis in zip(tasks, of_row, strict=True):
            _draw_task(axis, of_table[of_table["task"] == task], styles)
            axis.set_title(f"{dataset} {space}: {task}", fontsize=9)
            axis.tick_params(labelsize=8)
        of_row[0].set_ylabel("regret, percentage points", fontsize=9)
    for axis in axes[-len(tasks) :]:
        axis.set_xlabel("seconds of training charged", fontsize=9)
    shared_legend(drawn, axes, columns=6, order=list(styles).index)
    return drawn


def search_summary_text(summary: pd.DataFrame) -> str:
    """Table of the cost until the target, a row for each strategy and a column for each task.

    A cell has the mean and the standard error over seeds, and the ratio to the best other strategy. Where not every
    search reached the target, it has the percentage that did, and the test accuracy of the recommended networks.

    Args:
        summary: The rows of one table of ``benchmark_search_summary``.
    """
    cells = summary.assign(cell=[_cell(row) for row in summary.to_dict(orient="records")])
    table = cells.pivot(index="strategy", columns="task", values="cell")
    ordered = table.reindex(index=summary["strategy"].unique(), columns=summary["task"].unique())
    return ordered.fillna("").to_string()


def _cell(row: Mapping[Any, Any]) -> str:
    if row["reached_target"] == 1:
        mean, error = row["cost_to_target_seconds"], row["cost_to_target_seconds_standard_error"]
        ratio = f" ({row['ratio_to_best_other']:.2f})" if np.isfinite(row["ratio_to_best_other"]) else ""
        return f"{mean:,.1f} ± {error:,.1f} s{ratio}"
    accuracy, error = row["recommended_test_accuracy"], row["recommended_test_accuracy_standard_error"]
    return f"{100 * row['reached_target']:.0f} % reached it, test {100 * accuracy:.2f} ± {100 * error:.2f} %"


def _styles(strategies: list[str]) -> dict[str, dict[str, Any]]:
    """Line style of each strategy: ours black and thick, the others with the colours, then again with dashes."""
    others = [name for name in strategies if name != OURS]
    colours = COLOURS[:-1]
    styles = {
        name: {
            "color": colours[i % len(colours)],
            "linestyle": DASHES[i // len(colours) % len(DASHES)],
            "linewidth": 1.3,
        }
        for i, name in enumerate(others)
    }
    return styles | ({OURS: {"color": COLOURS[-1], "linewidth": 2.4}} if OURS in strategies else {})


def _draw_task(axis: Axes, traces: pd.DataFrame, styles: dict[str, dict[str, Any]]) -> None:
    if traces.empty:
        axis.set_visible(False)
        return
    axis.set_xscale("log")
    # Differences matter near 0, and the first incumbent may be 60 points worse than the best candidate.
    axis.set_yscale("symlog", linthresh=REGRET_TICKS[1], linscale=0.5)
    axis.yaxis.set(major_locator=FixedLocator(REGRET_TICKS), minor_locator=NullLocator(), major_formatter="{x:g}")
    costs = np.geomspace(traces["cumulative_cost_seconds"].min(), traces["cumulative_cost_seconds"].max(), COSTS)
    round_costs = [digit * 10.0**power for power in range(-3, 9) for digit in (1, 2, 5)]
    inside = [cost for cost in round_costs if costs[0] <= cost <= costs[-1]]
    axis.xaxis.set(
        major_locator=FixedLocator(inside), minor_locator=NullLocator(), major_formatter=EngFormatter(sep="")
    )
    for name in traces["strategy"].unique():
        rows = traces[traces["strategy"] == name]
        regrets = np.stack([_regret_at(costs, of_seed) for _, of_seed in rows.groupby("seed")])
        mean, error = regrets.mean(axis=0), regrets.std(axis=0, ddof=min(1, len(regrets) - 1)) / len(regrets) ** 0.5
        axis.plot(costs, mean, label=legend_label(name), zorder=3 if name == OURS else 2, **styles[name])
        axis.fill_between(costs, (mean - error).clip(0), mean + error, color=styles[name]["color"], alpha=0.15, lw=0)
    axis.set_ylim(0, None)


def _regret_at(costs: NDArray[np.floating], trace: pd.DataFrame) -> NDArray[np.floating]:
    """Regret of a search at each cost, in percentage points; not-a-number before it has an incumbent."""
    changes = np.searchsorted(trace["cumulative_cost_seconds"], costs, side="right")
    return np.concatenate([[np.nan], trace["regret_points"]])[changes]
