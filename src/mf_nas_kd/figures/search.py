"""Two pictures of a search: its progress, and the Pareto front of what it found."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mf_nas_kd.figures.accuracies import ROLES
from mf_nas_kd.figures.style import COLOURS, GREY, PERCENT, figure, round_log_ticks, shared_legend
from mf_nas_kd.records.metrics import Metric
from mf_nas_kd.records.tables import at_fidelity, fidelities_in


def search_progress(trace: pd.DataFrame, plan: pd.DataFrame, metric: Metric) -> Figure:
    """The validation images' metric against the cost so far: low- and high-fidelity evaluations, and the incumbent.

    Low-fidelity results that fell below the promotion threshold that was announced have hollow marks.

    Args:
        trace: ``search_trace``.
        plan: ``evaluation_plan``; its rows with the role ``full`` have the target fidelity.
        metric: The metric that selects.
    """
    drawn, (axis,) = figure(6, 3.4)
    for rows, colour, filled, marker, label in steps_by_kind(trace, plan, metric):
        if len(rows):
            axis.scatter(
                rows["cumulative_cost_seconds"],
                rows[metric.validation],
                edgecolors=colour,
                facecolors=colour if filled else "none",
                marker=marker,
                label=label,
            )
    axis.step(
        trace["cumulative_cost_seconds"],
        trace[f"incumbent_{metric.validation}"],
        where="post",
        color="black",
        linewidth=1.2,
        label="incumbent: best high-fidelity evaluation so far",
    )
    axis.set(xlabel="seconds of training charged", ylabel=f"validation {metric.label}", xlim=(0, None))
    axis.yaxis.set_major_formatter(PERCENT)
    axis.legend(frameon=False, fontsize=9)
    return drawn


def steps_by_kind(
    trace: pd.DataFrame, plan: pd.DataFrame, metric: Metric
) -> list[tuple[pd.DataFrame, str, bool, str, str]]:
    """Steps of a search: rows, colour, whether the marks are filled, marker and label of each kind.

    Args:
        trace: ``search_trace``.
        plan: ``evaluation_plan``; its rows with the role ``full`` have the target fidelity.
        metric: The metric that selects.
    """
    (full_fidelity,) = fidelities_in(plan[plan["role"] == "full"])
    is_full = trace.index.isin(at_fidelity(trace, full_fidelity).index)
    low, full = trace[~is_full], trace[is_full]
    below = low[metric.validation] <= low["promotion_threshold"]
    return [
        (low[~below], COLOURS[5], True, "v", "low-fidelity evaluations"),
        (low[below], COLOURS[5], False, "v", "low-fidelity evaluations below their promotion threshold"),
        (full, COLOURS[1], True, "o", "high-fidelity evaluations"),
    ]


def pareto_picture(
    evaluations: pd.DataFrame, front: pd.DataFrame, winner_id: str, references: pd.DataFrame | None, metric: Metric
) -> Figure:
    """The validation images' metric against MACs: the search's candidates, Pareto front, winner, and references.

    Args:
        evaluations: High-fidelity evaluations of the search: ``architecture_id``, ``macs``, and the metric.
        front: The non-dominated networks, as ``pareto_front``.
        winner_id: Stable name of the winning architecture.
        references: ``references``, from which the winner, other finalists, reference networks and the teacher are
            taken; None where there is no final training, and the winner is one of ``evaluations``.
        metric: The metric that selects.
    """
    drawn, (axis,) = figure(5.4, 3.6)
    score = metric.validation
    axis.scatter(evaluations["macs"], evaluations[score], color=GREY, s=12, label="evaluations of the search")
    axis.step(front["macs"], front[score], where="post", color=COLOURS[0], linewidth=1.2, label="Pareto front")
    if references is None:
        references = evaluations[evaluations["architecture_id"] == winner_id].assign(role="winner")
    for role in (name for name in ROLES if (references["role"] == name).any()):
        _draw_networks(axis, references[references["role"] == role], score, *ROLES[role])
    axis.set(xlabel="MACs of one image", ylabel=f"validation {metric.label}", xscale="log")
    round_log_ticks(axis.xaxis, [*evaluations["macs"], *references["macs"]])
    axis.yaxis.set_major_formatter(PERCENT)
    shared_legend(drawn, [axis], columns=3)
    return drawn


def _draw_networks(axis: Axes, rows: pd.DataFrame, score: str, label: str, colour: str, marker: str) -> None:
    size = 160 if marker == "*" else 34
    axis.scatter(rows["macs"], rows[score], color=colour, marker=marker, s=size, zorder=3, label=label)
