"""Similarity-preserving distillation: inner products between the last feature maps of a batch.

References:
    Tung and Mori (2019). Similarity-Preserving Knowledge Distillation. ICCV, section 3.1. Difference: none.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions
from mf_nas_kd.distillation.stages import require_maps
from mf_nas_kd.taps import Taps, TapShapes


class SimilarityLoss(DistillationLoss):
    """``||G_t - G_s||**2 / B**2``, squared Frobenius norm.

    ``G`` ``(B, B)`` holds the inner products of the flattened last feature maps, every row divided by its Euclidean
    length.

    Raises:
        ShapeMismatchError: If student or teacher has no feature maps.
    """

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: LossOptions) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        require_maps(student, teacher)

    @property
    def target_key(self) -> str:
        return "last map"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The teacher's last feature map, flattened, ``(B, C * H * W)``."""
        return taps.maps[-1].flatten(1)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        student = _similarities(taps.maps[-1].flatten(1))
        return (_similarities(targets.to(student.dtype)) - student).square().mean()


def _similarities(flattened: Tensor) -> Tensor:
    """Inner products ``(B, B)`` of the rows, every row divided by its Euclidean length."""
    return functional.normalize(flattened @ flattened.T, dim=1)
