"""Attention transfer: spatial attention maps of the student are matched with those of the teacher.

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
    """Mean squared difference of spatial attention maps, ``mean((a(F_s) - a(F_t))**2)``, summed over stages.

    The attention map ``a(F)`` is the mean of ``F**2`` over the channels, flattened to ``(B, H * W)``, with every row
    divided by its Euclidean length.
    """

    form = "attention"
    published = MatchedMapsLoss.Options(stages="last", map_size=None)

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The teacher's attention maps of all stages, concatenated, ``(B, sum of H * W)``."""
        return torch.cat(_attention(self.teacher_maps(taps)), dim=1)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        teacher_maps = torch.split(targets.to(taps.logits.dtype), [h * w for h, w in self.sizes], dim=1)
        pairs = zip(_attention(self.student_maps(taps)), teacher_maps, strict=True)
        return torch.stack([(student - teacher).square().mean() for student, teacher in pairs]).sum()


def _attention(maps: list[Tensor]) -> list[Tensor]:
    """Normalised attention maps ``(B, H * W)`` of feature maps ``(B, C, H, W)``."""
    return [functional.normalize(m.square().mean(dim=1).flatten(1), dim=1) for m in maps]
