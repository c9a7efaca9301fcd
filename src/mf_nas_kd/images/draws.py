"""Which image and which augmentation every step of a training sees: known before the training begins.

The draws are a function of three numbers and a seed, not of the network. So all candidates with the same
hyper-parameters see the same pairs of image and augmentation, and the teacher's outputs for exactly these pairs can be
precomputed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from mf_nas_kd.images.pairs import PairIndex
from mf_nas_kd.seeding import derive_seed


@dataclass(frozen=True)
class Draws:
    """Every epoch visits the images in a new order and draws one augmentation of each, uniformly.

    All batches have the same size: the few images that are left over at the end of an order (fewer than a batch) sit
    that epoch out.

    Attributes:
        images: Number of images in the subset that is trained on.
        augmentations: Number of rows of the augmentation's table.
        batch_size: Images of a step; no more than there are.
        seed: Seed of the orders and augmentations.
    """

    images: int
    augmentations: int
    batch_size: int
    seed: int

    @classmethod
    def of(cls, images: int, augmentations: int, batch_size: int, seed: int) -> Draws:
        """Make the draws of a training; a subset with fewer images than a batch is one batch."""
        return cls(images, augmentations, min(batch_size, images), seed)

    @property
    def steps_an_epoch(self) -> int:
        """Number of whole batches in an epoch."""
        return self.images // self.batch_size

    @property
    def index(self) -> PairIndex:
        """Encoding of the pairs of position and augmentation."""
        return PairIndex(self.augmentations)

    def epochs(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Without end: positions and augmentations of an epoch, ``(steps_an_epoch * batch_size,)`` each, on the CPU."""
        return self._epochs("batches")

    def gradient_norm_batch(self) -> tuple[Tensor, Tensor]:
        """Positions and augmentations of the batch on which gradient norms are matched, before the first step."""
        positions, augmentations = next(self._epochs("balance"))  # the word is part of the seed: it stays
        return positions[: self.batch_size], augmentations[: self.batch_size]

    def pairs(self, epochs: int, match_gradient_norm: bool) -> Tensor:
        """All pairs that are seen in a number of epochs, each once, ascending: ``(P,)``, int64, see :attr:`index`.

        Args:
            epochs: Number of epochs.
            match_gradient_norm: Whether gradient norms are matched at the start, on a batch of its own.
        """
        seen = list(islice(self.epochs(), epochs)) + ([self.gradient_norm_batch()] if match_gradient_norm else [])
        pairs: Tensor = torch.cat([self.index.encode(*drawn) for drawn in seen]).unique()
        return pairs

    def _epochs(self, purpose: str) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, purpose))
        count = self.steps_an_epoch * self.batch_size
        while True:
            order = torch.randperm(self.images, generator=generator)[:count]
            yield order, torch.randint(self.augmentations, (count,), generator=generator)
