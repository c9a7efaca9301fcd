"""Pairs of an image and an augmentation as single numbers: the only definition of the encoding."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class PairIndex:
    """Encodes a pair of an image's position and a row of the augmentation's table as one integer.

    >>> import torch
    >>> index = PairIndex(augmentations=9)
    >>> pairs = index.encode(torch.tensor([0, 2]), torch.tensor([5, 1]))
    >>> pairs.tolist()
    [5, 19]
    >>> [part.tolist() for part in index.decode(pairs)]
    [[0, 2], [5, 1]]

    Attributes:
        augmentations: Number of rows of the augmentation's table, at least 1.
    """

    augmentations: int

    def encode(self, positions: Tensor, augmentations: Tensor) -> Tensor:
        """Pairs ``(n,)`` of positions ``(n,)`` and rows ``(n,)``, all int64."""
        return positions * self.augmentations + augmentations

    def decode(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Positions and rows of pairs, ``(n,)`` each, int64."""
        return pairs // self.augmentations, pairs % self.augmentations

    def within(self, subset: Tensor, pairs: Tensor) -> Tensor:
        """Pairs whose positions are counted within a subset, as pairs with positions among all training images.

        Args:
            subset: ``(n,)``, int64, positions of the subset's images among all training images.
            pairs: ``(m,)``, int64, positions in [0, n).
        """
        positions, augmentations = self.decode(pairs)
        return self.encode(subset[positions], augmentations)
