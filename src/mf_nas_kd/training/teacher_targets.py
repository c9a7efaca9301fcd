"""Where the teacher's side of a distillation loss comes from."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from mf_nas_kd.distillation import DistillationLoss
from mf_nas_kd.images import Batch
from mf_nas_kd.training.device import autocast, full_precision


class TeacherTargets(Protocol):
    """Gives the targets of a batch. Positions and views say which pairs they are, so that they can be remembered."""

    def __call__(self, batch: Batch) -> Tensor:
        """``loss.teacher_targets`` of the teacher's taps, batch axis first, without history."""
        ...


class OnlineTeacherTargets:
    """Asks the teacher in every step.

    Args:
        teacher: In evaluation mode, on the device of the batches.
        loss: Declares what is wanted of the taps.
    """

    def __init__(self, teacher: nn.Module, loss: DistillationLoss) -> None:
        self._teacher = teacher
        self._loss = loss

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Tensor:
        device = batch.images.device
        with autocast(device):
            taps = self._teacher(batch.images)
        with full_precision(device):
            return self._loss.teacher_targets(taps.float())
