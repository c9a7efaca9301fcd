"""Pairs of similar unit vectors among very many: only vectors in the same cells are compared.

References:
    Jégou, Douze and Schmid (2011). Product Quantization for Nearest Neighbor Search. IEEE TPAMI 33. Section IV-A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

CELLS_PROBED = 4  # holds the true pair of 99 % of crops and of all other copies (CIFAR-100, benchmarks/duplicates.py)
MOST_PER_QUERY = 5  # pairs that are kept: where all images look alike, they stay few
QUERIES_PER_CHUNK = 4096


class Pairs(NamedTuple):
    """Pairs of a query and a vector.

    Attributes:
        query: Positions of the queries, ``(P,)``, int64.
        vector: Positions of the vectors, ``(P,)``, int64.
        product: Their scalar products, ``(P,)``.
    """

    query: Tensor
    vector: Tensor
    product: Tensor

    def chosen(self, which: Tensor) -> Pairs:
        """Some of the pairs, by a mask or by positions."""
        return Pairs(self.query[which], self.vector[which], self.product[which])


@dataclass(frozen=True)
class InvertedFile:
    """Vectors in cells of similar ones.

    Attributes:
        vectors: Unit vectors ``(N, D)``.
        centroids: Unit vectors ``(K, D)``, one a cell.
        members: Positions of the vectors in each cell.
    """

    vectors: Tensor
    centroids: Tensor
    members: tuple[Tensor, ...]

    @classmethod
    def of(cls, vectors: Tensor) -> Self:
        """Put vectors ``(N, D)`` into about the square root of ``N`` cells, each around one of them."""
        count = max(1, round(len(vectors) ** 0.5))
        generator = torch.Generator().manual_seed(0)
        centroids = vectors[torch.randperm(len(vectors), generator=generator)[:count]]
        return cls(vectors, centroids, _by_cell(_nearest(vectors, centroids, 1), count))

    def similar(self, queries: Tensor, threshold: float) -> Pairs:
        """Pairs whose scalar product exceeds a threshold: the best of each query; most of them, not surely all.

        The vector at the position of a query is left out: it is the query itself.

        Args:
            queries: Unit vectors ``(N, D)``.
            threshold: Least scalar product.
        """
        count = len(self.centroids)
        asking = _by_cell(_nearest(queries, self.centroids, min(CELLS_PROBED, count)), count)
        found = [self._in_cell(queries, *cell, threshold) for cell in zip(asking, self.members, strict=True)]
        pairs = Pairs(*(torch.cat(parts) for parts in zip(*found, strict=True)))
        return pairs.chosen(best_of_each(pairs.query, pairs.product))

    def _in_cell(self, queries: Tensor, asking: Tensor, members: Tensor, threshold: float) -> Pairs:
        """Pairs of queries and vectors of one cell."""
        products = queries[asking] @ self.vectors[members].T
        products.masked_fill_(asking[:, None] == members, -1)
        similar = products > threshold
        if similar.sum() > MOST_PER_QUERY * len(asking):
            similar &= torch.zeros_like(similar).scatter_(1, products.topk(MOST_PER_QUERY, dim=1).indices, True)
        row, column = similar.nonzero(as_tuple=True)
        return Pairs(asking[row], members[column], products[row, column])


def best_of_each(owners: Tensor, scores: Tensor) -> Tensor:
    """Positions of the best entries of each owner, ``MOST_PER_QUERY`` at most.

    Args:
        owners: To whom each entry belongs, ``(P,)``, int64.
        scores: Scores of the entries, ``(P,)``.
    """
    order = np.lexsort((-scores.numpy(), owners.numpy()))
    ordered = owners.numpy()[order]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    return torch.from_numpy(np.sort(order[rank < MOST_PER_QUERY]))


def _nearest(vectors: Tensor, centroids: Tensor, count: int) -> Tensor:
    """Cells of the nearest centroids of each vector, ``(n, count)``."""
    parts = vectors.split(QUERIES_PER_CHUNK)
    return torch.cat([(part @ centroids.T).topk(count, dim=1).indices for part in parts])


def _by_cell(cells: Tensor, count: int) -> tuple[Tensor, ...]:
    """Positions of the vectors in each cell, from the cells of each vector, ``(n, c)``."""
    order = torch.argsort(cells.flatten(), stable=True) // cells.shape[1]
    members: tuple[Tensor, ...] = order.split(cells.flatten().bincount(minlength=count).tolist())
    return members
