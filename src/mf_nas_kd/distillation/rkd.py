"""Relational knowledge distillation: distances and angles between the images of a batch.

References:
    Park, Kim, Lu, Cho (2019). Relational Knowledge Distillation. CVPR, section 3: the distance-wise and the
    angle-wise loss.
    Differences: means over all entries, those of an image with itself included (they are zero in both networks), as in
    the code that goes with the paper; equal images count neither in the mean distance nor in the gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions, Number, require_several_images
from mf_nas_kd.taps import Taps, TapShapes

SMALLEST_SQUARE = 1e-12  # below, images count as being at one point: the slope of root and direction is infinite there


class RelationalLoss(DistillationLoss):
    """Smooth L1 between the distances (in units of their mean) and between the cosines of angles of both embeddings.

    Args:
        options: See :class:`RelationalLoss.Options`.
    """

    class Options(LossOptions):
        """Options of ``rkd``.

        Attributes:
            distance_weight: Weight of the distance-wise loss.
            angle_weight: Weight of the angle-wise loss.
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
        """The embedding ``(B, D)``."""
        return taps.embedding

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        require_several_images("rkd", len(targets))
        student, teacher = taps.embedding, targets.to(taps.embedding.dtype)
        distance = functional.smooth_l1_loss(_distances(student), _distances(teacher))
        angle = functional.smooth_l1_loss(_angles(student), _angles(teacher))
        return self.distance_weight * distance + self.angle_weight * angle


def _distances(embedding: Tensor) -> Tensor:
    """``(B, B)``, divided by the mean of the positive ones; all zero where all images are at one point."""
    squares = (embedding[:, None] - embedding[None]).square().sum(dim=2)
    positive = squares > SMALLEST_SQUARE
    distances = torch.where(positive, squares.clamp_min(SMALLEST_SQUARE).sqrt(), 0)
    return distances / (distances.sum() / positive.sum().clamp_min(1)).clamp_min(SMALLEST_SQUARE)


def _angles(embedding: Tensor) -> Tensor:
    """``(B, B, B)``: the cosine at image ``b`` of the angle between the directions to ``i`` and ``j``.

    Zero where one of them is at the same point as ``b``, and then without gradient.
    """
    differences = embedding[None] - embedding[:, None]  # (B, B, D)
    apart = differences.square().sum(dim=2, keepdim=True) > SMALLEST_SQUARE
    directions = functional.normalize(torch.where(apart, differences, 0), dim=2)
    return directions @ directions.transpose(1, 2)
