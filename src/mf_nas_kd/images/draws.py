"""Which image and which view every step of a training sees: known before it begins.

A function of three numbers and a seed, not of the network. So all candidates that are trained alike see the same pairs
of image and view, and what the teacher says of exactly these pairs can be computed once, beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from mf_nas_kd.seeding import derive_seed


@dataclass(frozen=True)
class Draws:
    """Every epoch visits the images in a new order and draws one view of each.

    All batches have the same size: the few images that are left over at the end of an order (fewer than a batch) sit
    that epoch out.

    Attributes:
        images: Images in the subset that is trained on.
        views: Views of each.
        batch_size: Images a step; no more than there are.
        seed: Of orders and views.
    """

    images: int
    views: int
    batch_size: int
    seed: int

    @classmethod
    def of(cls, images: int, views: int, batch_size: int, seed: int) -> Draws:
        """A subset with fewer images than a batch is one batch."""
        return cls(images, views, min(batch_size, images), seed)

    @property
    def steps_an_epoch(self) -> int:
        """Whole batches."""
        return self.images // self.batch_size

    def epochs(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Without end: positions and views of an epoch, both ``(steps_an_epoch * batch_size,)``, on the CPU."""
        return self._epochs("batches")

    def to_balance(self) -> tuple[Tensor, Tensor]:
        """Positions and views of the one batch on which a loss is balanced, before the first step."""
        positions, views = next(self._epochs("balance"))
        return positions[: self.batch_size], views[: self.batch_size]

    def pairs(self, epochs: int, balanced: bool) -> Tensor:
        """All pairs that so many epochs see, each once: ``position * views + view``, ascending, ``(P,)`` of int64."""
        seen = list(islice(self.epochs(), epochs)) + ([self.to_balance()] if balanced else [])
        return torch.cat([positions * self.views + views for positions, views in seen]).unique()

    def _epochs(self, purpose: str) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, purpose))
        count = self.steps_an_epoch * self.batch_size
        while True:
            order = torch.randperm(self.images, generator=generator)[:count]
            yield order, torch.randint(self.views, (count,), generator=generator)
