"""No augmentation: the images as they are, for measuring and for trainings without augmentation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mf_nas_kd import registry
from mf_nas_kd.images.augmentations.augmentation import Augmentation


class Identity(Augmentation):
    """The augmentation that leaves images as they are: a table of one row.

    >>> import torch
    >>> pixels = torch.arange(4, dtype=torch.uint8).view(1, 1, 2, 2)
    >>> torch.equal(Identity().apply(pixels, torch.tensor([0])), pixels)
    True
    """

    class Options(registry.Options):
        """Options of this augmentation: none."""

    def __init__(self, options: Options | None = None) -> None:
        """Take the options, of which there are none."""

    def __len__(self) -> int:
        return 1

    def apply(self, pixels: Tensor, rows: Tensor) -> Tensor:
        channels_last = pixels.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
        return channels_last.permute(0, 3, 1, 2)

    @property
    def cache_key(self) -> dict[str, Any]:
        """The name is that of the first version: stored evaluations and targets are found under it."""
        return {"name": "identity"}
