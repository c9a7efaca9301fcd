"""Comparison of strategies that search for a Pareto front: hypervolume against cost, and the summary as a text."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from mf_nas_kd.figures.style import COLOURS, figure, legend_label, shared_legend

COSTS = 400  # number of costs at which the curves are drawn
LOWEST = 0.5  # share of the true front's hypervolume where the picture begins, if all curves end above


def hypervolume_against_cost(curves: pd.DataFrame) -> Figure:
    """Hypervolume relative to the true front against the cost of the search, mean over seeds with one standard error.

    Each table has a row of panels, each task a panel, each strategy a line.

    Args:
        curves: ``benchmark_front_curves``; may be empty.
    """
    tables = list(curves.groupby(["dataset", "space"], sort=False))
    tasks, names = list(curves["task"].unique()), list(curves["strategy"].unique())
    rows, columns = max(len(tables), 1), max(len(tasks), 1)
    drawn, axes = figure(max(3.6 * columns, 6.4), 2.9 * rows + 0.9, rows, columns, sharey="row")
    if not tables:
        axes[0].set_title("no strategy searched for a front", fontsize=9)
    for row, ((dataset, space), of_table) in enumerate(tables):
        of_row = axes[row * columns : (row + 1) * columns]
        for task, axis in zip(tasks, of_row, strict=True):
            _draw_task(axis, of_table[of_table["task"] == task], names)
            axis.set_title(f"{dataset} {space}: {task}", fontsize=9)
            axis.tick_params(labelsize=8)
        of_row[0].set_ylabel("hypervolume, share of the true front's", fontsize=9)
    for axis in axes[-columns:]:
        axis.set_xlabel("seconds of training charged", fontsize=9)
    if names:
        shared_legend(drawn, axes, columns=6, order=names.index)
    return drawn


def front_summary_text(summary: pd.DataFrame) -> str:
    """Table of the hypervolume after half the budget, a row for each strategy and a column for each task.

    Args:
        summary: The rows of one table of ``benchmark_front_summary``.
    """
    cells = summary.assign(
        cell=[
            f"{row['hypervolume_half']:.4f} ± {row['hypervolume_half_standard_error']:.4f}"
            for row in summary.to_dict(orient="records")
        ]
    )
    table = cells.pivot(index="strategy", columns="task", values="cell")
    return table.reindex(index=summary["strategy"].unique(), columns=summary["task"].unique()).fillna("").to_string()


def _draw_task(axis: Axes, curves: pd.DataFrame, names: list[str]) -> None:
    if curves.empty:
        axis.set_visible(False)
        return
    costs = np.linspace(0, curves["cumulative_cost_seconds"].max(), COSTS)
    axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    for number, name in enumerate(names):
        rows = curves[curves["strategy"] == name]
        if rows.empty:
            continue
        shares = np.stack([_share_at(costs, of_seed) for _, of_seed in rows.groupby("seed")])
        mean, error = shares.mean(axis=0), shares.std(axis=0, ddof=min(1, len(shares) - 1)) / len(shares) ** 0.5
        colour = COLOURS[number % len(COLOURS)]
        axis.plot(costs, mean, label=legend_label(name), color=colour, linewidth=1.5)
        axis.fill_between(costs, mean - error, mean + error, color=colour, alpha=0.15, lw=0)
    axis.set_ylim(LOWEST, 1.005)


def _share_at(costs: NDArray[np.floating], curve: pd.DataFrame) -> NDArray[np.floating]:
    """Hypervolume of a search at each cost; 0 before its first high-fidelity evaluation."""
    rises = np.searchsorted(curve["cumulative_cost_seconds"], costs, side="right")
    return np.concatenate([[0.0], curve["hypervolume"]])[rises]
