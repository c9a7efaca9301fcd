"""Relational knowledge distillation: distances and angles between the images of a batch.

References:
    Park, Kim, Lu, Cho (2019). Relational Knowledge Distillation. CVPR, section 3: the distance-wise and the
    angle-wise loss.
    Differences: the means are over all entries, those of an image with itself included (zero in both networks), as in
    the code that goes with the paper; pairs of equal embeddings enter neither the mean distance nor the gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions, Number, require_several_images
from mf_nas_kd.taps import Taps, TapShapes

SMALLEST_SQUARE = (
    1e-12  # smaller squared distances count as zero: the derivatives of root and direction are not finite at 0
)


class RelationalLoss(DistillationLoss):
    """``λ_d smooth_l1(d_s, d_t) + λ_a smooth_l1(c_s, c_t)``, means over all entries.

    ``d`` ``(B, B)`` are the Euclidean distances between the embeddings of a batch, divided by their positive mean;
    ``c`` ``(B, B, B)`` are the cosines of the angles between the directions from one image to two others.

    Args:
        options: See :class:`RelationalLoss.Options`.

    Raises:
        InvalidValueError: If a batch has one image only.
    """

    class Options(LossOptions):
        """Options of ``rkd``.

        Attributes:
            distance_weight: Weight ``λ_d`` of the distances.
            angle_weight: Weight ``λ_a`` of the angles.
        """

        distance_weight: Number
        angle_weight: Number

    published = Options(distance_weight=25.0, angle_weight=50.0)

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        self.distance_weight = options.distance_weight
        self.angle_weight = options.angle_weight

    @property
    def target_key(self) -> str:
        return "embedding"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The teacher's embedding, ``(B, D)``."""
        return taps.embedding

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        require_several_images("rkd", len(targets))
        student, teacher = taps.embedding, targets.to(taps.embedding.dtype)
        distance = functional.smooth_l1_loss(_distances(student), _distances(teacher))
        angle = functional.smooth_l1_loss(_angles(student), _angles(teacher))
        return self.distance_weight * distance + self.angle_weight * angle


def _distances(embedding: Tensor) -> Tensor:
    """Distances ``(B, B)`` divided by the mean of the positive ones; all zero where all embeddings are equal."""
    squares = (embedding[:, None] - embedding[None]).square().sum(dim=2)
    positive = squares > SMALLEST_SQUARE
    distances = torch.where(positive, squares.clamp_min(SMALLEST_SQUARE).sqrt(), 0)
    return distances / (distances.sum() / positive.sum().clamp_min(1)).clamp_min(SMALLEST_SQUARE)


def _angles(embedding: Tensor) -> Tensor:
    """Cosines ``(B, B, B)`` of the angles at image ``b`` between the directions to images ``i`` and ``j``.

    A cosine is 0 and has no gradient where ``i`` or ``j`` has the same embedding as ``b``.
    """
    differences = embedding[None] - embedding[:, None]  # (B, B, D)
    apart = differences.square().sum(dim=2, keepdim=True) > SMALLEST_SQUARE
    directions = functional.normalize(torch.where(apart, differences, 0), dim=2)
    return directions @ directions.transpose(1, 2)
