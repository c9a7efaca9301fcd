"""Attention transfer: the student looks where the teacher looks.

References:
    Zagoruyko and Komodakis (2017). Paying More Attention to Attention. ICLR, eq. 2 with p = 2.
    Difference: the squared distance is a mean over batch and positions, as in the code that goes with the paper.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss
from mf_nas_kd.distillation.stages import MatchedMaps
from mf_nas_kd.taps import Taps, TapShapes


class AttentionLoss(DistillationLoss):
    """Mean squared difference of L2-normalised maps of the mean squared activation, summed over stages.

    Args:
        stages: ``last``, or ``all``.
        map_size: Height and width that maps are pooled to; by default the smaller of both sides.
    """

    def __init__(
        self,
        *,
        student: TapShapes,
        teacher: TapShapes,
        num_images: int,
        stages: str = "last",
        map_size: int | None = None,
    ) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images)
        self._maps = MatchedMaps(student, teacher, stages, map_size)
        self._lengths = [height * width for height, width in self._maps.sizes]

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The attention maps of all stages side by side, ``(B, sum of H * W)``."""
        return torch.cat(self._attention(taps), dim=1)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor) -> Tensor:
        remembered = targets.to(taps.logits.dtype).split(self._lengths, dim=1)
        pairs = zip(self._attention(taps), remembered, strict=True)
        return torch.stack([(student - teacher).square().mean() for student, teacher in pairs]).sum()

    def _attention(self, taps: Taps) -> list[Tensor]:
        return [functional.normalize(m.square().mean(dim=1).flatten(1), dim=1) for m in self._maps.of(taps)]
