"""Base class of the losses of softened logits, and the standardisation that two of them have in common."""

from __future__ import annotations

import torch
from torch import Tensor

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions, PositiveNumber, require_equal_classes
from mf_nas_kd.taps import Taps, TapShapes

SMALLEST_SPREAD = 0.3
"""Smallest standard deviation that a student's row is divided by, as a fraction of that of the teacher's row.

A loss of standardised rows does not change with their scale, so its gradient is inversely proportional to the scale.
The logits of an initial network are a hundredth of a teacher's: without a floor, the first step moves them beyond the
teacher's by chance, and then the gradient is too small to lead them back. At 0.3, the first gradients have about the
size of those of ``kd`` (``benchmarks/README.md``, which has the accuracies with other values).
"""


class LogitsLoss(DistillationLoss):
    """A loss of the logits of student and teacher, both divided by a temperature.

    Args:
        options: See :class:`LogitsLoss.Options`.

    Raises:
        ShapeMismatchError: If the numbers of classes differ.
    """

    class Options(LossOptions):
        """Options of all losses of softened logits.

        Attributes:
            temperature: ``t``, above 0.
        """

        temperature: PositiveNumber

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        require_equal_classes(student, teacher)
        self.temperature = options.temperature

    @property
    def target_key(self) -> str:
        return "logits"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The teacher's logits, ``(B, K)``."""
        return taps.logits


def standardised(student: Tensor, teacher: Tensor, smallest: float) -> tuple[Tensor, Tensor]:
    """Rows ``(n, m)`` of both, brought to mean 0 and standard deviation 1 (of a sample, division by ``m - 1``).

    Rows of small standard deviation keep a smaller one: the divisor is at least ``smallest``, and for the student
    at least ``SMALLEST_SPREAD`` times the teacher's. So gradients are bounded, and constant rows become zero.

    Args:
        student: The student's rows.
        teacher: The teacher's rows.
        smallest: Standard deviation below which a row counts as constant, in the units of the rows; above 0.
    """
    of_teacher = teacher.std(dim=1, keepdim=True).clamp_min(smallest)
    of_student = torch.maximum(student.std(dim=1, keepdim=True), SMALLEST_SPREAD * of_teacher)
    return (
        (student - student.mean(dim=1, keepdim=True)) / of_student,
        (teacher - teacher.mean(dim=1, keepdim=True)) / of_teacher,
    )
