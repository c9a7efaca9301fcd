"""Learning curves of the candidates, with what was paused where, and why."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd.figures.style import COLOURS, GREY, PERCENT, figure
from mf_nas_kd.records import Evaluation, Fidelity
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.records.tables import records_of

PAUSED_COLUMNS = ("architecture_id", "paused_after_epochs", "of_epochs", "val_accuracy", "reason")


def learning_curves(planned: pd.DataFrame, searched: pd.DataFrame, full: Fidelity) -> Figure:
    """Validation accuracy on the way of every training at the target fidelity, and where trainings were paused.

    A line is the longest training of a candidate. A hollow mark is an evaluation from a pause: the learning rate
    decayed for it, and the training can go on from before. A filled mark is the end of a complete training.

    Args:
        planned: The planned evaluations.
        searched: Those of the search.
        full: The target fidelity.
    """
    drawn, (axis,) = figure(6, 3.4)
    for table, colour, label in ((planned, GREY, "the study"), (searched, COLOURS[0], "the search")):
        trainings = _at_target(table, full)
        longest = {each.architecture.id: each for each in sorted(trainings, key=lambda each: each.fidelity.epochs)}
        for each in longest.values():
            curve = each.learning_curve.val_accuracies if each.learning_curve is not None else {}
            axis.plot([*curve], [*curve.values()], color=colour, linewidth=0.8, alpha=0.8)
        for is_complete, face, state in ((False, "none", "paused"), (True, colour, "complete")):
            ends = [each for each in trainings if (each.fidelity == full) == is_complete]
            if ends:
                axis.scatter(
                    [each.fidelity.epochs for each in ends],
                    [each.metrics.val_accuracy or 0.0 for each in ends],
                    edgecolors=colour,
                    facecolors=face,
                    s=22,
                    zorder=3,
                    label=f"{state}, of {label}",
                )
    axis.set(xlabel="epochs", ylabel=f"validation {ACCURACY.label}", xlim=(0, None))
    axis.yaxis.set_major_formatter(PERCENT)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, fontsize=9)
    return drawn


def paused_table(searched: pd.DataFrame, trace: pd.DataFrame, full: Fidelity) -> pd.DataFrame:
    """Trainings of the search that were paused and not continued, with the reason of the step that made them.

    Args:
        searched: The evaluations of the search, in the order of its steps.
        trace: ``search_trace``, one row an evaluation, in the same order.
        full: The target fidelity.

    Returns:
        The columns ``PAUSED_COLUMNS``, one row a candidate.
    """
    steps = [
        (each, reason)
        for each, reason in zip(records_of(searched, Evaluation), trace["reason"], strict=True)
        if each.finished and (each.fidelity == full or full.continues(each.fidelity))
    ]
    last = {each.architecture.id: (each, reason) for each, reason in steps}
    rows = [
        (name, each.fidelity.epochs, full.epochs, each.metrics.val_accuracy, reason)
        for name, (each, reason) in last.items()
        if each.fidelity != full
    ]
    return pd.DataFrame(rows, columns=list(PAUSED_COLUMNS))


def _at_target(table: pd.DataFrame, full: Fidelity) -> list[Evaluation]:
    """Finished trainings at the target fidelity or at fewer epochs of it."""
    return [
        each
        for each in records_of(table, Evaluation)
        if each.finished and (each.fidelity == full or full.continues(each.fidelity))
    ]
