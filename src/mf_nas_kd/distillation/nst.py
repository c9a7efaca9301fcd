"""Neuron selectivity transfer: the distributions of the channels' activation patterns agree.

References:
    Huang and Wang (2017). Like What You Like: Knowledge Distill via Neuron Selectivity Transfer. arXiv 1707.01219,
    eq. 6 with the polynomial kernel, d = 2, c = 0.
    Difference: none in value, but no tensor of all pairs of channels is built. With the normalised channels as rows of
    ``F`` ``(C, HW)``, ``mean_ij (f_i . g_j)**2 = <F'F, G'G> / (C_f C_g)``: the squared discrepancy is the squared
    distance of two Gram matrices of positions, and the teacher's never changes. Where a Gram matrix has more numbers
    than the teacher's map (large maps of few channels), the map is remembered and the kernel's mean is ``||F G'||**2``.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.stages import MatchedMapsLoss
from mf_nas_kd.taps import Taps, TapShapes


class NeuronSelectivityLoss(MatchedMapsLoss):
    """Mean over the batch of ``||F_s'F_s / C_s - F_t'F_t / C_t||**2``, summed over stages."""

    form = "channel patterns"

    published = MatchedMapsLoss.Options(stages="last", map_size=None)

    def __init__(
        self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: MatchedMapsLoss.Options
    ) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        self._lengths: list[int] = []  # numbers to remember of an image, by stage
        self._by_positions: list[bool] = []  # whether they are a Gram matrix
        for stage, ((height, width), place) in enumerate(zip(self.sizes, self._teacher_places, strict=True)):
            positions, channels = height * width, teacher.maps[place][0]
            length = positions * (positions + 1) // 2
            self._by_positions.append(length <= channels * positions)
            self._lengths.append(min(length, channels * positions))
            if self._by_positions[-1]:
                upper = torch.triu_indices(positions, positions)
                # An entry beside the diagonal stands for two: its square counts twice.
                self.register_buffer(f"_upper_{stage}", upper)
                self.register_buffer(f"_weight_{stage}", torch.where(upper[0] == upper[1], 1.0, 2.0))

    def teacher_targets(self, taps: Taps) -> Tensor:
        """By stage, side by side: the upper triangle of the Gram matrix, ``HW (HW + 1) / 2`` numbers, or the map."""
        return torch.cat([self._compact(stage, m) for stage, m in enumerate(self.teacher_maps(taps))], dim=1)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        remembered = targets.to(taps.logits.dtype).split(self._lengths, dim=1)
        pairs = zip(self.student_maps(taps), remembered, strict=True)
        return torch.stack([self._discrepancy(stage, *pair) for stage, pair in enumerate(pairs)]).sum()

    def _compact(self, stage: int, features: Tensor) -> Tensor:
        channels = _normalised(features)
        if not self._by_positions[stage]:
            return channels.flatten(1)
        gram = channels.transpose(1, 2) @ channels / channels.shape[1]  # (B, HW, HW)
        rows, columns = self.get_buffer(f"_upper_{stage}")
        return gram[:, rows, columns]

    def _discrepancy(self, stage: int, features: Tensor, remembered: Tensor) -> Tensor:
        if self._by_positions[stage]:
            weight = self.get_buffer(f"_weight_{stage}").to(remembered.dtype)
            return ((self._compact(stage, features) - remembered).square() * weight).sum(dim=1).mean()
        student = _normalised(features)
        teacher = remembered.unflatten(1, (-1, student.shape[2]))
        return _kernel_mean(student, student) - 2 * _kernel_mean(student, teacher) + _kernel_mean(teacher, teacher)


def _normalised(features: Tensor) -> Tensor:
    """``(B, C, HW)``, every channel of length one."""
    return functional.normalize(features.flatten(2), dim=2)


def _kernel_mean(first: Tensor, second: Tensor) -> Tensor:
    return (first @ second.transpose(1, 2)).square().mean()
