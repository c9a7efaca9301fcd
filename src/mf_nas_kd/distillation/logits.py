"""Base class of the losses of softened logits."""

from __future__ import annotations

from torch import Tensor

from mf_nas_kd.distillation.loss import DistillationLoss, require_equal_classes, require_positive
from mf_nas_kd.taps import Taps, TapShapes


class LogitsLoss(DistillationLoss):
    """A loss of the logits of student and teacher, both divided by a temperature.

    Args:
        temperature: Temperature ``t`` of the softmax, above 0.

    Raises:
        InvalidValueError: If the temperature is not above 0.
        ShapeMismatchError: If the numbers of classes differ.
    """

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, temperature: float) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images)
        require_equal_classes(student, teacher)
        require_positive(temperature=temperature)
        self.temperature = temperature

    @property
    def remembers(self) -> str:
        return "logits"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The teacher's logits, ``(B, K)``."""
        return taps.logits
