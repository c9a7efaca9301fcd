"""Source of the teacher targets of a training: a protocol, and its implementation by a cache."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import Batch, PairIndex

ABSENT = -1
"""Index of the record of a pair without a target."""


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
        index: Encoding of the pairs.
        pairs: ``(P',)``, int64, pairs that have a target, ascending, at least one.
        records: ``(P',)``, int64, index of each pair's record in the values.
    """

    def __init__(self, values: Tensor, index: PairIndex, pairs: Tensor, records: Tensor) -> None:
        self._values = values
        self._index = index
        self._pairs = pairs
        self._records = records

    def __call__(self, batch: Batch) -> Tensor:
        """Look up the targets of a batch.

        Raises:
            InvalidValueError: If a target is missing, on a CPU. Elsewhere the device would have to be waited for: the
                targets are NaN then, and so is the loss of the training. Or if the images are mixtures.
        """
        if batch.mixture is not None:
            raise InvalidValueError("mixture of a batch", "two images", "None: targets of mixtures are not cached")
        records = self._records_of(self._index.encode(batch.positions, batch.augmentations))
        if records.device.type == "cpu" and bool((records == ABSENT).any()):
            absent = (records == ABSENT).nonzero().flatten()
            pairs = torch.stack([batch.positions[absent], batch.augmentations[absent]], dim=1).tolist()
            raise InvalidValueError("pairs (position, augmentation) of a batch", pairs, "among those looked up")
        return self._values[records]

    def _records_of(self, wanted: Tensor) -> Tensor:
        """Index of the record of each pair ``(B,)``, or ``ABSENT``.

        They are searched for: a table of all images and rows would be larger than the targets where rows are many.
        """
        found = torch.searchsorted(self._pairs, wanted).clamp(max=len(self._pairs) - 1)
        return torch.where(self._pairs[found] == wanted, self._records[found], ABSENT)
