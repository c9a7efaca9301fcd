"""Augmentation as a finite set of views: pad, crop at every offset, flip or not.

Because the set is finite, an (image, view) pair comes back again and again, and what the teacher says of it can be
remembered. Padding by ``p`` gives ``(2p + 1)**2`` offsets, flips double them: 162 for CIFAR's usual ``p = 4``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.seeding import derive_seed


class ViewSettings(BaseModel):
    """Which views a training draws from.

    Attributes:
        padding: Pixels added on every side before cropping.
        flip: Whether mirrored views belong to the set.
        views_per_image: How many views of the set are used (a seeded choice, the same for all images); null for all.
        seed: Of that choice; the same in all trainings of a study, so that what is remembered of it serves all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    padding: NonNegativeInt
    flip: bool
    views_per_image: PositiveInt | None
    seed: int


@dataclass(frozen=True, eq=False)
class Views:
    """The set of views, as tables by view number.

    Attributes:
        rows: ``(V,)``, first row of the crop in the padded image.
        columns: ``(V,)``, first column.
        flipped: ``(V,)``, bool.
        padding: Pixels on every side.
    """

    rows: Tensor
    columns: Tensor
    flipped: Tensor
    padding: int

    @classmethod
    def of(cls, settings: ViewSettings) -> Views:
        """All views, or the seeded choice of them that the settings ask for.

        Raises:
            InvalidValueError: If more views are asked for than there are.
        """
        offsets = torch.arange(2 * settings.padding + 1)
        rows, columns, flipped = torch.cartesian_prod(offsets, offsets, torch.arange(1 + settings.flip)).unbind(dim=1)
        wanted = settings.views_per_image or len(rows)
        if wanted > len(rows):
            raise InvalidValueError("views_per_image", wanted, f"at most {len(rows)}, the number of different views")
        generator = torch.Generator().manual_seed(derive_seed(settings.seed, "view set"))
        chosen = torch.randperm(len(rows), generator=generator)[:wanted].sort().values
        return cls(rows[chosen], columns[chosen], flipped[chosen].bool(), settings.padding)

    @classmethod
    def centre(cls) -> Views:
        """The one view that changes nothing."""
        zero = torch.zeros(1, dtype=torch.int64)
        return cls(zero, zero, zero.bool(), padding=0)

    def __len__(self) -> int:
        return len(self.rows)
