"""Distillation from a stronger teacher: softened predictions of both networks are linearly correlated.

References:
    Huang, You, Wang, Qian, Xu (2022). Knowledge Distillation from A Stronger Teacher. NeurIPS: the inter-class and the
    intra-class relation. Difference: where the spread of the student's predictions is a small fraction of the
    teacher's, their correlation counts less, see :data:`mf_nas_kd.distillation.logits.SMALLEST_SPREAD`.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.logits import LogitsLoss, standardised
from mf_nas_kd.distillation.loss import Number, require_several_images
from mf_nas_kd.taps import Taps, TapShapes

SMALL = 1e-3  # of the mean probability 1 / K: a smaller spread of predictions is none


class CorrelatedPredictionsLoss(LogitsLoss):
    """``t**2 (β (1 - mean of ρ over images) + γ (1 - mean of ρ over classes))``.

    ``ρ`` is Pearson's correlation of the predictions ``softmax(z / t)`` of student and teacher: for the first term
    across the classes of one image, for the second across the images of one class. Where the standard deviation of the
    student's predictions is below 0.3 times the teacher's, ``ρ`` is multiplied by the ratio of both, divided by 0.3.

    Args:
        options: See :class:`CorrelatedPredictionsLoss.Options`.

    Raises:
        InvalidValueError: If the temperature is not above 0, or a batch has one image only.
        ShapeMismatchError: If the numbers of classes of student and teacher differ.
    """

    class Options(LogitsLoss.Options):
        """Options of ``dist``.

        Attributes:
            temperature: Temperature ``t`` of the softmax, above 0.
            inter_class_weight: Weight ``β`` of the term across classes.
            intra_class_weight: Weight ``γ`` of the term across images.
        """

        inter_class_weight: Number
        intra_class_weight: Number

    published = Options(temperature=4.0, inter_class_weight=2.0, intra_class_weight=2.0)

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        self.inter_class_weight = options.inter_class_weight
        self.intra_class_weight = options.intra_class_weight

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        require_several_images("dist", len(targets))
        student, teacher = (
            functional.softmax(logits / self.temperature, dim=1)
            for logits in (taps.logits, targets.to(taps.logits.dtype))
        )
        smallest = SMALL / student.shape[1]
        inter_class = 1 - _row_correlations(student, teacher, smallest).mean()
        intra_class = 1 - _row_correlations(student.T, teacher.T, smallest).mean()
        return self.temperature**2 * (self.inter_class_weight * inter_class + self.intra_class_weight * intra_class)


def _row_correlations(student: Tensor, teacher: Tensor, smallest: float) -> Tensor:
    """Pearson's correlation ``(n,)`` of the rows of two matrices ``(n, m)``; 0 where a row is constant."""
    student, teacher = standardised(student, teacher, smallest)
    return (student * teacher).sum(dim=1) / (student.shape[1] - 1)
