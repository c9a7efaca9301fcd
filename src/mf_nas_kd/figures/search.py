"""Two pictures of a search: its progress, and the Pareto front of what it found."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd.figures.style import COLOURS, GREY, figure
from mf_nas_kd.records.tables import at_fidelity, fidelities_in


def search_progress(trace: pd.DataFrame, plan: pd.DataFrame) -> Figure:
    """Validation accuracy against the cost so far: low- and high-fidelity evaluations, and the incumbent.

    Args:
        trace: ``search_trace``.
        plan: ``evaluation_plan``; its rows with the role ``full`` have the target fidelity.
    """
    drawn, (axis,) = figure(7.5, 3.6)
    (full_fidelity,) = fidelities_in(plan[plan["role"] == "full"])
    is_full = trace.index.isin(at_fidelity(trace, full_fidelity).index)
    low, full = trace[~is_full], trace[is_full]
    for rows, colour, marker, label in (
        (low, COLOURS[5], "v", "low-fidelity evaluations"),
        (full, COLOURS[1], "o", "high-fidelity evaluations"),
    ):
        axis.scatter(rows["cumulative_cost_seconds"], rows["val_accuracy"], color=colour, marker=marker, label=label)
    axis.step(
        trace["cumulative_cost_seconds"],
        trace["incumbent_val_accuracy"],
        where="post",
        color="black",
        linewidth=1.2,
        label="incumbent: best high-fidelity evaluation so far",
    )
    axis.set(xlabel="seconds of training charged", ylabel="validation accuracy", xlim=(0, None))
    axis.legend(frameon=False, fontsize=9)
    return drawn


def pareto_picture(evaluations: pd.DataFrame, front: pd.DataFrame, winner_id: str) -> Figure:
    """Validation accuracy against MACs of all high-fidelity evaluations, their Pareto front, and the winner.

    Args:
        evaluations: High-fidelity evaluations: ``architecture_id``, ``macs``, ``val_accuracy``.
        front: The non-dominated ones, as ``pareto_front``.
        winner_id: Stable name of the winning architecture.
    """
    drawn, (axis,) = figure(7.5, 3.6)
    axis.scatter(evaluations["macs"], evaluations["val_accuracy"], color=GREY, s=16, label="high-fidelity evaluations")
    axis.step(front["macs"], front["val_accuracy"], where="post", color=COLOURS[0], marker="o", label="Pareto front")
    winner = evaluations[evaluations["architecture_id"] == winner_id]
    axis.scatter(winner["macs"], winner["val_accuracy"], color=COLOURS[1], marker="*", s=180, zorder=3, label="winner")
    axis.set(xlabel="MACs of one image", ylabel="validation accuracy")
    axis.legend(frameon=False, fontsize=9)
    return drawn
