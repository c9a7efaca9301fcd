"""What the search spent and found. Two pictures."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd.figures.style import COLOURS, GREY, figure
from mf_nas_kd.records.tables import at_fidelity, fidelities_in


def search_progress(trace: pd.DataFrame, plan: pd.DataFrame) -> Figure:
    """Accuracy against seconds spent: short trainings, full trainings, and the best full one so far.

    Args:
        trace: ``search_trace``.
        plan: ``evaluation_plan``; its ``full`` rows tell what a full training is.
    """
    drawn, (axis,) = figure(7.5, 3.6)
    (full_fidelity,) = fidelities_in(plan[plan["role"] == "full"])
    is_full = trace.index.isin(at_fidelity(trace, full_fidelity).index)
    short, full = trace[~is_full], trace[is_full]
    for rows, colour, marker, label in (
        (short, COLOURS[5], "v", "short trainings"),
        (full, COLOURS[1], "o", "full trainings"),
    ):
        axis.scatter(rows["cumulative_cost_seconds"], rows["val_accuracy"], color=colour, marker=marker, label=label)
    axis.step(
        trace["cumulative_cost_seconds"],
        trace["incumbent_val_accuracy"],
        where="post",
        color="black",
        linewidth=1.2,
        label="best full training so far",
    )
    axis.set(xlabel="seconds of training spent", ylabel="validation accuracy", xlim=(0, None))
    axis.legend(frameon=False, fontsize=9)
    return drawn


def pareto_picture(full_trainings: pd.DataFrame, front: pd.DataFrame, winner_id: str) -> Figure:
    """Validation accuracy against multiply-accumulates of all full trainings, the front, and the winner.

    Args:
        full_trainings: Columns ``architecture_id, macs, val_accuracy``.
        front: The rows that no other dominates.
        winner_id: Marked.
    """
    drawn, (axis,) = figure(7.5, 3.6)
    axis.scatter(full_trainings["macs"], full_trainings["val_accuracy"], color=GREY, s=16, label="full trainings")
    axis.step(front["macs"], front["val_accuracy"], where="post", color=COLOURS[0], marker="o", label="front")
    winner = full_trainings[full_trainings["architecture_id"] == winner_id]
    axis.scatter(winner["macs"], winner["val_accuracy"], color=COLOURS[1], marker="*", s=180, zorder=3, label="winner")
    axis.set(xlabel="multiply-accumulates of one image", ylabel="validation accuracy")
    axis.legend(frameon=False, fontsize=9)
    return drawn
