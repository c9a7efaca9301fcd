"""Where the teacher's side of a distillation loss comes from: from a memory, or from the teacher itself."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from mf_nas_kd.device import autocast, full_precision
from mf_nas_kd.distillation import DistillationLoss
from mf_nas_kd.images import Batch

PRECISION = torch.float16
"""Of every target, remembered or not: a training must not tell where its targets come from."""

TARGETS_VERSION = 1
"""Part of the name of every file of targets. Raise it when a change of the code changes what the teacher says, or of
what."""


class TeacherTargets(Protocol):
    """Gives the targets of a batch. Positions and views say which pairs they are, so that they can be remembered."""

    def __call__(self, batch: Batch) -> Tensor:
        """``loss.teacher_targets`` of the teacher's taps, batch axis first, in ``PRECISION``, without history."""
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

    def __call__(self, batch: Batch) -> Tensor:
        return ask_teacher(self._teacher, [self._loss], batch.images)[0]


class RememberedTeacherTargets:
    """Looks them up.

    Args:
        values: ``(P, ...)``, targets of pairs of image and view, in ``PRECISION``; on a CPU perhaps mapped from a file.
        places: ``(images, views)``, int64, where in the values the target of a pair is.
    """

    def __init__(self, values: Tensor, places: Tensor) -> None:
        self._values = values
        self._places = places

    def __call__(self, batch: Batch) -> Tensor:
        return self._values[self._places[batch.positions, batch.views]]


@torch.no_grad()
def ask_teacher(teacher: nn.Module, losses: list[DistillationLoss], images: Tensor) -> list[Tensor]:
    """What several losses want of one forward pass.

    Numbers beyond the range of ``PRECISION`` (65504) become its largest.

    Args:
        teacher: In evaluation mode.
        losses: Each declares what it wants of the taps.
        images: ``(B, C, H, W)``, normalised.

    Returns:
        ``teacher_targets`` of each loss, in ``PRECISION``.
    """
    with autocast(images.device):
        taps = teacher(images)
    largest = torch.finfo(PRECISION).max
    with full_precision(images.device):
        taps = taps.float()
        return [loss.teacher_targets(taps).clamp(-largest, largest).to(PRECISION) for loss in losses]
