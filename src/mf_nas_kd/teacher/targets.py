"""Source of the teacher targets of a training: a protocol, and its implementation by a cache."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import Batch

ABSENT = -1
"""Entry of the table of records for a pair without a target."""


class TeacherTargets(Protocol):
    """Gives the targets of a batch. Its positions and augmentations identify the pairs, for a cache."""

    def __call__(self, batch: Batch) -> Tensor:
        """``loss.teacher_targets`` of the teacher's taps, batch axis first, half precision, without history."""
        ...


class CachedTargets:
    """Targets of a batch, looked up among precomputed ones.

    Args:
        values: ``(P, ...)``, targets of pairs of image and augmentation, half precision; on a CPU perhaps mapped from
            a file, on another device with a last record of NaN.
        records: ``(images, augmentations)``, int64, index of the pair's record in the values; ``ABSENT`` where there
            is none.
    """

    def __init__(self, values: Tensor, records: Tensor) -> None:
        self._values = values
        self._records = records

    def __call__(self, batch: Batch) -> Tensor:
        """Look up the targets of a batch.

        Raises:
            InvalidValueError: If a target is missing, on a CPU. Elsewhere the device would have to be waited for: the
                targets are NaN then, and so is the loss of the training. Or if the images are mixtures.
        """
        if batch.mixture is not None:
            raise InvalidValueError("mixture of a batch", "two images", "None: targets of mixtures are not cached")
        records = self._records[batch.positions, batch.augmentations]
        if records.device.type == "cpu" and bool((records == ABSENT).any()):
            absent = (records == ABSENT).nonzero().flatten()
            pairs = torch.stack([batch.positions[absent], batch.augmentations[absent]], dim=1).tolist()
            raise InvalidValueError("pairs (position, augmentation) of a batch", pairs, "among those looked up")
        return self._values[records]
