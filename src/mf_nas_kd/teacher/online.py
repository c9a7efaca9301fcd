"""Teacher targets from a forward pass of the teacher."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mf_nas_kd.device import autocast, full_precision
from mf_nas_kd.distillation import DistillationLoss
from mf_nas_kd.images import Batch

PRECISION = torch.float16
"""Precision of every target, cached or online, so that the result of a training does not depend on the cache."""


class OnlineTargets:
    """Targets of a batch, from a forward pass of the teacher in every step.

    Args:
        teacher: A network in evaluation mode, on the device of the batches.
        loss: The loss that declares the targets.
    """

    def __init__(self, teacher: nn.Module, loss: DistillationLoss) -> None:
        self._teacher = teacher
        self._loss = loss

    def __call__(self, batch: Batch) -> Tensor:
        return teacher_targets_of(self._teacher, [self._loss], batch.teacher_images)[0]


@torch.no_grad()
def teacher_targets_of(teacher: nn.Module, losses: Sequence[DistillationLoss], images: Tensor) -> list[Tensor]:
    """Targets of several losses, from one forward pass of the teacher.

    Numbers beyond the range of ``PRECISION`` (65504) become its largest.

    Args:
        teacher: A network in evaluation mode.
        losses: Losses, each of which declares its targets.
        images: ``(B, C, H, W)``, normalised.

    Returns:
        ``teacher_targets`` of each loss, batch axis first, in ``PRECISION``.
    """
    with autocast(images.device):
        taps = teacher(images)
    largest = torch.finfo(PRECISION).max
    with full_precision(images.device):
        taps = taps.float()
        return [loss.teacher_targets(taps).clamp(-largest, largest).to(PRECISION) for loss in losses]
