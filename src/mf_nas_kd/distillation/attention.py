"""Attention transfer: the student looks where the teacher looks.

References:
    Zagoruyko and Komodakis (2017). Paying More Attention to Attention. ICLR, eq. 2 with p = 2.
    Difference: the squared distance is a mean over batch and positions, as in the code that goes with the paper.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.stages import MatchedMapsLoss
from mf_nas_kd.taps import Taps


class AttentionLoss(MatchedMapsLoss):
    """Mean squared difference of L2-normalised maps of the mean squared activation, summed over stages."""

    form = "attention"
    published = MatchedMapsLoss.Options(stages="last", map_size=None)

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The attention maps of all stages side by side, ``(B, sum of H * W)``."""
        return torch.cat(_attention(self.teacher_maps(taps)), dim=1)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        remembered = targets.to(taps.logits.dtype).split([h * w for h, w in self.sizes], dim=1)
        pairs = zip(_attention(self.student_maps(taps)), remembered, strict=True)
        return torch.stack([(student - teacher).square().mean() for student, teacher in pairs]).sum()


def _attention(maps: list[Tensor]) -> list[Tensor]:
    return [functional.normalize(m.square().mean(dim=1).flatten(1), dim=1) for m in maps]
