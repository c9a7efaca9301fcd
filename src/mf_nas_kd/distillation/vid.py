"""Variational information distillation: Gaussian likelihood of the teacher's feature maps given the student's.

References:
    Ahn et al. (2019). Variational Information Distillation for Knowledge Transfer. CVPR, section 2.
    Difference: the mean over all entries of the map instead of the sum, as in the code of Tian et al. (2020),
    Contrastive Representation Distillation, to which the usual weight of 1 belongs.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import AfterValidator
from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.distillation.loss import Number
from mf_nas_kd.distillation.stages import MatchedMapsLoss
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.taps import Taps, TapShapes

SMALLEST_VARIANCE = 1e-5


def _above_smallest(variance: Number) -> Number:
    if not variance > SMALLEST_VARIANCE:
        raise InvalidValueError("initial_variance", variance, f"above {SMALLEST_VARIANCE}")
    return variance


class VariationalInformationLoss(MatchedMapsLoss):
    """Mean of ``((μ(F_s) - F_t)**2 / σ**2 + log σ**2) / 2``, summed over stages.

    ``μ`` consists of three 1x1 convolutions with ReLU between them; ``σ**2 = softplus(ρ) + 1e-5`` is a learned variance
    per channel of the teacher.

    Args:
        options: See :class:`VariationalInformationLoss.Options`.
    """

    class Options(MatchedMapsLoss.Options):
        """Options of ``vid``.

        Attributes:
            stages: Stages that are compared; see :func:`mf_nas_kd.distillation.stages.chosen_stages`.
            map_size: Height and width of the pooled maps; see :class:`MatchedMapsLoss`.
            initial_variance: Initial value of ``σ**2``, above 1e-5.
        """

        initial_variance: Annotated[Number, AfterValidator(_above_smallest)]

    published = Options(stages="middle", map_size=None, initial_variance=5.0)

    form = "values"

    compares_positions = False

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        channels = [
            (student.maps[s][0], teacher.maps[t][0])
            for s, t in zip(self._student_indices, self._teacher_indices, strict=True)
        ]
        self.regressors = nn.ModuleList(_regressor(inputs, outputs) for inputs, outputs in channels)
        start = math.log(math.expm1(options.initial_variance - SMALLEST_VARIANCE))  # the inverse of softplus
        self.rhos = nn.ParameterList(torch.full((outputs,), start) for _, outputs in channels)

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The teacher's feature maps, flattened and concatenated over the stages, ``(B, sum of C_t * H * W)``."""
        return torch.cat([m.flatten(1) for m in self.teacher_maps(taps)], dim=1)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        means = [regress(m) for regress, m in zip(self.regressors, self.student_maps(taps), strict=True)]
        teacher_maps = torch.split(targets.to(taps.logits.dtype), [mean[0].numel() for mean in means], dim=1)
        total = taps.logits.new_zeros(())
        for mean, teacher, rho in zip(means, teacher_maps, self.rhos, strict=True):
            variance = (functional.softplus(rho) + SMALLEST_VARIANCE)[:, None, None]
            squared_error = (mean - teacher.view_as(mean)).square()
            total = total + (squared_error / variance + variance.log()).mean() / 2
        return total


def _regressor(inputs: int, outputs: int) -> nn.Module:
    """Three 1x1 convolutions with ReLU between them."""
    sizes = ((inputs, outputs), (outputs, outputs), (outputs, outputs))
    first, second, third = (nn.Conv2d(*size, kernel_size=1, bias=False) for size in sizes)
    return nn.Sequential(first, nn.ReLU(inplace=True), second, nn.ReLU(inplace=True), third)
