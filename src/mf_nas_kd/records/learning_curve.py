"""Learning curve: the course of a training, as one column of its record."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import pandas as pd


@dataclass(frozen=True)
class LearningCurve:
    """Course of a training.

    >>> curve = LearningCurve((1.5, 0.75), {2: 0.5})
    >>> LearningCurve.decode(curve.encode()) == curve
    True

    Attributes:
        losses: Mean loss of each epoch.
        val_accuracies: Validation accuracy, in [0, 1], by the number of epochs done, of those after which it was
            measured; on the way of a part of the validation images, at the end of all. They are those of the trained
            weights, also where the kept ones are a moving average of them.
    """

    losses: tuple[float, ...]
    val_accuracies: dict[int, float]

    def __hash__(self) -> int:
        return hash(self.encode())

    def encode(self) -> str:
        """The curve as JSON, for a column of a table."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> LearningCurve:
        """Read :meth:`encode`."""
        curve = json.loads(text)
        accuracies = {int(epoch): value for epoch, value in curve["val_accuracies"].items()}
        return cls(tuple(curve["losses"]), accuracies)

    @property
    def metrics(self) -> dict[str, dict[int, float]]:
        """Values by the number of epochs done, by the names of the metrics."""
        return {"epoch_loss": dict(enumerate(self.losses, start=1)), "epoch_val_accuracy": self.val_accuracies}

    @property
    def table(self) -> pd.DataFrame:
        """Columns ``epoch``, ``loss`` and ``val_accuracy``, which is empty where it was not measured."""
        epochs = range(1, len(self.losses) + 1)
        accuracies = [self.val_accuracies.get(epoch) for epoch in epochs]
        return pd.DataFrame({"epoch": epochs, "loss": self.losses, "val_accuracy": pd.Series(accuracies, dtype=float)})


def measured_epochs(epochs: int, measurements: int) -> frozenset[int]:
    """The epochs of a training after which the accuracy is measured: evenly spaced, the last one among them.

    Args:
        epochs: Number of epochs of the training.
        measurements: Number of measurements, at least 1; at most one an epoch.

    >>> sorted(measured_epochs(10, 4))
    [3, 5, 8, 10]
    """
    count = max(1, min(measurements, epochs))
    return frozenset(-(-epochs * number // count) for number in range(1, count + 1))
