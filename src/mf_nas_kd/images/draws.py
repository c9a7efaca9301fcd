"""Which image and which augmentation every step of a training sees: known before the training begins.

The draws are a function of three numbers and a seed, not of the network. So all candidates with the same
hyper-parameters see the same pairs of image and augmentation, and the teacher's outputs for exactly these pairs can be
precomputed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

import torch
from torch import Tensor

from mf_nas_kd.images.pairs import PairIndex
from mf_nas_kd.seeding import derive_seed


@dataclass(frozen=True)
class Draws:
    """One permutation of the images after the other, cut into batches, with a random augmentation of each image.

    All batches have the same size and consist of different images. A batch that a permutation does not fill is
    completed from the next one: no image is left out, and after ``k`` permutations each has been seen ``k`` times.

    Attributes:
        images: Number of images in the subset that is trained on.
        augmentations: Number of rows of the augmentation's table.
        batch_size: Images of a step; no more than there are.
        seed: Seed of the permutations and augmentations.
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
    def index(self) -> PairIndex:
        """Encoding of the pairs of position and augmentation."""
        return PairIndex(self.augmentations)

    def steps(self, epochs: int) -> int:
        """Number of steps of a training: the fewest in which every image is seen ``epochs`` times.

        Fewer images than a batch are seen once more.

        >>> [Draws.of(images=63, augmentations=1, batch_size=32, seed=0).steps(epochs) for epochs in (1, 2, 3, 32)]
        [2, 4, 6, 63]
        """
        return -(-epochs * self.images // self.batch_size)

    def epochs(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Without end: positions and augmentations of the steps of each epoch, ``(steps * batch_size,)``, on the CPU.

        The steps of epoch ``e`` are those from ``steps(e - 1)`` to ``steps(e)``.
        """
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
        permutations = self._permutations(purpose)
        drawn = torch.empty((2, 0), dtype=torch.int64)
        for epoch in count(1):
            images = (self.steps(epoch) - self.steps(epoch - 1)) * self.batch_size
            while drawn.shape[1] < images:
                drawn = torch.cat([drawn, next(permutations)], dim=1)
            positions, augmentations = drawn[:, :images]
            yield positions, augmentations
            drawn = drawn[:, images:]

    def _permutations(self, purpose: str) -> Iterator[Tensor]:
        """Without end: positions and augmentations of each permutation, ``(2, images)``."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, purpose))
        begun = torch.empty(0, dtype=torch.int64)  # images of the batch that the last permutation did not fill
        while True:
            order = torch.randperm(self.images, generator=generator)
            if len(begun) > 0:
                order = _others_first(order, begun, self.batch_size - len(begun))
            yield torch.stack([order, torch.randint(self.augmentations, (self.images,), generator=generator)])
            begun = order[self.images - (len(begun) + self.images) % self.batch_size :]


def _others_first(order: Tensor, begun: Tensor, count: int) -> Tensor:
    """The permutation with its first ``count`` images that are not in ``begun`` at its front, else unchanged."""
    front, rest = order.split([len(begun) + count, len(order) - len(begun) - count])  # they are all in this front
    others = ~torch.isin(front, begun)
    first = others & (others.cumsum(0) <= count)
    return torch.cat([front[first], front[~first], rest])
