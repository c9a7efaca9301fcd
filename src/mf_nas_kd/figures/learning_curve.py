"""Learning curve of a training: the teacher's, or the winner's."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd.figures.style import COLOURS, PERCENT, figure


def learning_curve(curve: pd.DataFrame) -> Figure:
    """Training loss and validation accuracy after each epoch, side by side.

    Args:
        curve: Columns ``epoch``, ``loss``, ``val_accuracy``; the last is empty where it was not measured.
    """
    drawn, (losses, accuracies) = figure(6, 2.6, 1, 2)
    losses.plot(curve["epoch"], curve["loss"], color=COLOURS[0], marker="o", markersize=3)
    losses.set(xlabel="epoch", ylabel="training loss", yscale="log")
    measured = curve.dropna(subset=["val_accuracy"])
    accuracies.plot(measured["epoch"], measured["val_accuracy"], color=COLOURS[2], marker="o", markersize=3)
    accuracies.set(xlabel="epoch", ylabel="validation accuracy")
    accuracies.yaxis.set_major_formatter(PERCENT)
    return drawn
