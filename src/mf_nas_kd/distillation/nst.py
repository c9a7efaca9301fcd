"""Neuron selectivity transfer: the distributions of the channels' activation patterns agree.

References:
    Huang and Wang (2017). Like What You Like: Knowledge Distill via Neuron Selectivity Transfer. arXiv 1707.01219,
    eq. 6 with the polynomial kernel, d = 2, c = 0.
    Difference: the mean over all pairs of channels is never built. With the normalised channels as rows of ``F``
    ``(C, HW)``, ``mean_ij (f_i . g_j)**2 = <F'F, G'G> / (C_f C_g)``, so that the squared discrepancy is the squared
    distance of two Gram matrices of positions, and the teacher's never changes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.stages import MatchedMapsLoss
from mf_nas_kd.taps import Taps, TapShapes


class NeuronSelectivityLoss(MatchedMapsLoss):
    """Mean over the batch of ``||F_s'F_s / C_s - F_t'F_t / C_t||**2``, summed over stages."""

    def __init__(
        self,
        *,
        student: TapShapes,
        teacher: TapShapes,
        num_images: int,
        stages: str = "last",
        map_size: int | None = None,
    ) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, stages=stages, map_size=map_size)
        self._lengths = []
        for stage, (height, width) in enumerate(self.sizes):
            upper = torch.triu_indices(height * width, height * width)
            # An entry beside the diagonal stands for two: its square counts twice.
            weight = torch.where(upper[0] == upper[1], 1.0, 2.0)
            self.register_buffer(f"_upper_{stage}", upper)
            self.register_buffer(f"_weight_{stage}", weight)
            self._lengths.append(upper.shape[1])

    def teacher_targets(self, taps: Taps) -> Tensor:
        """Upper triangles of the Gram matrices, side by side, ``(B, sum of HW (HW + 1) / 2)``."""
        return torch.cat(self._grams(taps), dim=1)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor) -> Tensor:
        remembered = targets.to(taps.logits.dtype).split(self._lengths, dim=1)
        total = taps.logits.new_zeros(())
        for stage, (student, teacher) in enumerate(zip(self._grams(taps), remembered, strict=True)):
            weight = self.get_buffer(f"_weight_{stage}").to(student.dtype)
            total = total + ((student - teacher).square() * weight).sum(dim=1).mean()
        return total

    def _grams(self, taps: Taps) -> list[Tensor]:
        grams = []
        for stage, features in enumerate(self.matched_maps(taps)):
            channels = functional.normalize(features.flatten(2), dim=2)  # (B, C, HW)
            gram = channels.transpose(1, 2) @ channels / channels.shape[1]  # (B, HW, HW)
            rows, columns = self.get_buffer(f"_upper_{stage}")
            grams.append(gram[:, rows, columns])
        return grams
