"""Base class of the losses of softened logits."""

from __future__ import annotations

from torch import Tensor

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions, PositiveNumber, require_equal_classes
from mf_nas_kd.taps import Taps, TapShapes


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
