"""Pad, crop at a random offset, and flip or not: the usual augmentation of small images.

Padding by ``p`` gives ``(2p + 1)**2`` offsets, flips double them: 162 rows for CIFAR's usual ``p = 4``.

References:
    He, Zhang, Ren, Sun (2016). Deep Residual Learning for Image Recognition. CVPR, section 4.2. Difference: the random
    offsets are rows of a finite table.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor
from torch.nn import functional

from mf_nas_kd import registry
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images.augmentations.augmentation import Augmentation
from mf_nas_kd.seeding import derive_seed


class CropFlip(Augmentation):
    """Crops of the padded image at every offset, plain and mirrored.

    >>> options = CropFlip.Options(padding=4, flip=True, rows=None, seed=0)
    >>> len(CropFlip(options))
    162

    Args:
        options: Padding, flips, and how many rows of the table are used.

    Attributes:
        offsets: ``(R, 2)``, int64, first row and first column of each crop in the padded image.
        flipped: ``(R,)``, bool, whether the crop is mirrored.

    Raises:
        InvalidValueError: If ``rows`` is larger than the table.
    """

    class Options(registry.Options):
        """Options of ``crop_flip``.

        Attributes:
            padding: Black pixels added on every side before cropping.
            flip: Whether mirrored crops belong to the table.
            rows: Number of rows that are used, a seeded choice of the table, the same for all images; null for all.
            seed: Seed of that choice, the same for all trainings of a study, so that cached teacher targets serve all.
        """

        padding: NonNegativeInt
        flip: bool
        rows: PositiveInt | None
        seed: int

    def __init__(self, options: Options) -> None:
        steps = torch.arange(2 * options.padding + 1)
        table = torch.cartesian_prod(steps, steps, torch.arange(1 + options.flip))
        wanted = options.rows or len(table)
        if wanted > len(table):
            allowed = f"at most {len(table)}, the number of different crops and flips"
            raise InvalidValueError("augmentation.options.crop_flip.rows", wanted, allowed)
        generator = torch.Generator().manual_seed(derive_seed(options.seed, "view set"))  # part of the seed: it stays
        table = table[torch.randperm(len(table), generator=generator)[:wanted].sort().values]
        self._options = options
        self.offsets, self.flipped = table[:, :2], table[:, 2].bool()
        self._indices: dict[tuple[int, int, torch.device], tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return len(self.offsets)

    def apply(self, pixels: Tensor, rows: Tensor) -> Tensor:
        row_index, column_index = self._pixel_indices(pixels.shape[2], pixels.shape[3], pixels.device)
        image_rows, image_columns = row_index[rows], column_index[rows]  # (B, H), (B, W)
        padded = functional.pad(pixels, [self._options.padding] * 4).permute(0, 2, 3, 1)  # (B, H + 2p, W + 2p, C)
        image = torch.arange(len(padded), device=pixels.device)
        cropped = padded[image[:, None, None], image_rows[:, :, None], image_columns[:, None, :]]  # (B, H, W, C)
        return cropped.permute(0, 3, 1, 2)

    @property
    def cache_key(self) -> dict[str, Any]:
        """The names are those of the first version: stored evaluations and targets are found under them."""
        options = self._options
        return {
            "padding": options.padding,
            "flip": options.flip,
            "views_per_image": options.rows,
            "seed": options.seed,
        }

    def _pixel_indices(self, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Rows ``(R, H)`` and columns ``(R, W)`` of the padded image that each row of the table picks."""
        key = (height, width, device)
        if key not in self._indices:
            columns = torch.arange(width)
            mirrored = torch.where(self.flipped[:, None], columns.flip(0), columns)
            row_index = self.offsets[:, :1] + torch.arange(height)
            self._indices[key] = row_index.to(device), (self.offsets[:, 1:] + mirrored).to(device)
        return self._indices[key]

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the indices, which are on the device of this process."""
        return {**self.__dict__, "_indices": {}}
