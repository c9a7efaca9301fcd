"""Neuron selectivity transfer: maximum mean discrepancy between the activation patterns of the channels.

References:
    Huang and Wang (2017). Like What You Like: Knowledge Distill via Neuron Selectivity Transfer. arXiv 1707.01219,
    eq. 6 with the polynomial kernel, d = 2, c = 0.
    Difference: none in value, but no tensor of all pairs of channels is built. With the normalised channels as rows of
    ``F`` ``(C, HW)``, ``mean_ij (f_i . g_j)**2 = <F'F, G'G> / (C_f C_g)``: the squared discrepancy is the squared
    distance of two Gram matrices of positions, and that of the teacher is constant. Where a Gram matrix has more
    entries than the teacher's map (large maps of few channels), the target is the map, and the mean of the kernel is
    computed as ``||F G'||**2 / (C_f C_g)``.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.stages import MatchedMapsLoss
from mf_nas_kd.taps import Taps, TapShapes


class NeuronSelectivityLoss(MatchedMapsLoss):
    """Mean over the batch of ``||F_s'F_s / C_s - F_t'F_t / C_t||**2``, summed over stages.

    The rows of ``F`` ``(C, H * W)`` are the flattened channels of a feature map, each divided by its Euclidean length.

    Args:
        stages: Stages that are compared; see :func:`mf_nas_kd.distillation.stages.chosen_stages`.
        map_size: Height and width of the pooled maps; see :class:`MatchedMapsLoss`.
    """

    form = "channel patterns"

    published = MatchedMapsLoss.Options(stages="last", map_size=None)

    def __init__(
        self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: MatchedMapsLoss.Options
    ) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        self._lengths: list[int] = []  # entries of the target of an image, by stage
        self._by_positions: list[bool] = []  # whether the target is a Gram matrix, by stage
        for stage, ((height, width), index) in enumerate(zip(self.sizes, self._teacher_indices, strict=True)):
            positions, channels = height * width, teacher.maps[index][0]
            length = positions * (positions + 1) // 2
            self._by_positions.append(length <= channels * positions)
            self._lengths.append(min(length, channels * positions))
            if self._by_positions[-1]:
                upper = torch.triu_indices(positions, positions)
                # The matrix is symmetric: an entry above the diagonal counts for two.
                self.register_buffer(f"_upper_{stage}", upper)
                self.register_buffer(f"_weight_{stage}", torch.where(upper[0] == upper[1], 1.0, 2.0))

    def teacher_targets(self, taps: Taps) -> Tensor:
        """Upper triangle of the Gram matrix, ``HW (HW + 1) / 2`` numbers, or the map, concatenated over the stages."""
        return torch.cat([self._compact(stage, m) for stage, m in enumerate(self.teacher_maps(taps))], dim=1)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        teacher = torch.split(targets.to(taps.logits.dtype), self._lengths, dim=1)
        pairs = zip(self.student_maps(taps), teacher, strict=True)
        return torch.stack([self._discrepancy(stage, *pair) for stage, pair in enumerate(pairs)]).sum()

    def _compact(self, stage: int, features: Tensor) -> Tensor:
        """Target ``(B, length of the stage)`` of feature maps ``(B, C, H, W)``."""
        channels = _normalised(features)
        if not self._by_positions[stage]:
            return channels.flatten(1)
        gram = channels.transpose(1, 2) @ channels / channels.shape[1]  # (B, HW, HW)
        rows, columns = self.get_buffer(f"_upper_{stage}")
        return gram[:, rows, columns]

    def _discrepancy(self, stage: int, features: Tensor, target: Tensor) -> Tensor:
        """Squared maximum mean discrepancy of one stage, mean over the batch."""
        if self._by_positions[stage]:
            weight = self.get_buffer(f"_weight_{stage}").to(target.dtype)
            return ((self._compact(stage, features) - target).square() * weight).sum(dim=1).mean()
        student = _normalised(features)
        teacher = target.reshape(len(target), -1, student.shape[2])
        return _kernel_mean(student, student) - 2 * _kernel_mean(student, teacher) + _kernel_mean(teacher, teacher)


def _normalised(features: Tensor) -> Tensor:
    """Channels ``(B, C, HW)`` of feature maps ``(B, C, H, W)``, each divided by its Euclidean length."""
    return functional.normalize(features.flatten(2), dim=2)


def _kernel_mean(first: Tensor, second: Tensor) -> Tensor:
    """Mean of the kernel ``(u . v)**2`` over all pairs of channels and over the batch."""
    return (first @ second.transpose(1, 2)).square().mean()
