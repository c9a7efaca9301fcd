"""What an evaluation measures."""

from __future__ import annotations

from dataclasses import dataclass

from mf_nas_kd.records.fields import Record, Role, column


@dataclass(frozen=True)
class Metrics(Record):
    """Accuracies of a trained network; None after a failed training.

    Attributes:
        val_accuracy: Fraction of the validation images that are classified correctly, in [0, 1]; it selects.
        test_accuracy: The same of the test images; only reported.
    """

    val_accuracy: float | None = column(Role.METRIC, default=None)
    test_accuracy: float | None = column(Role.METRIC, default=None)
