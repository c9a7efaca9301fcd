"""Pairs of similar unit vectors among very many: only vectors in the same cells are compared.

References:
    Jégou, Douze and Schmid (2011). Product Quantization for Nearest Neighbor Search. Section IV-A (inverted file).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

CELLS_PROBED = 4  # 97 to 99 % of true pairs have their cell among these (60,000 images of CIFAR-100, 256 cells)
MOST_PER_QUERY = 16  # similar vectors that a query keeps in a cell: where all images look alike, pairs stay few


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
        """Put vectors ``(N, D)`` into about the square root of ``N`` cells around some of them."""
        count = max(1, round(len(vectors) ** 0.5))
        generator = torch.Generator().manual_seed(0)
        centroids = vectors[torch.randperm(len(vectors), generator=generator)[:count]]
        cells = _nearest(vectors, centroids, 1).flatten()
        members = torch.argsort(cells, stable=True).split(cells.bincount(minlength=count).tolist())
        return cls(vectors, centroids, members)

    def similar(self, queries: Tensor, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
        """Pairs of a query and a vector whose scalar product exceeds a threshold; most of them, not surely all.

        Args:
            queries: Unit vectors ``(Q, D)``.
            threshold: Least scalar product.

        Returns:
            Positions of queries and of vectors, and their scalar products, ``(P,)`` each.
        """
        probed = _nearest(queries, self.centroids, min(CELLS_PROBED, len(self.centroids)))
        order = torch.argsort(probed.flatten(), stable=True)
        asking = (order // probed.shape[1]).split(probed.flatten().bincount(minlength=len(self.members)).tolist())
        found = [self._in_cell(queries, rows, columns, threshold) for rows, columns in zip(asking, self.members)]
        first, second, products = (torch.cat(part) for part in zip(*found))
        return first, second, products

    def _in_cell(
        self, queries: Tensor, rows: Tensor, columns: Tensor, threshold: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        products = queries[rows] @ self.vectors[columns].T
        similar = products > threshold
        if similar.sum() > MOST_PER_QUERY * len(rows):
            kept = products.topk(MOST_PER_QUERY, dim=1).indices
            similar &= torch.zeros_like(similar).scatter_(1, kept, True)
        row, column = similar.nonzero(as_tuple=True)
        return rows[row], columns[column], products[row, column]


def _nearest(vectors: Tensor, centroids: Tensor, count: int) -> Tensor:
    """Cells of the nearest centroids of each vector, ``(n, count)``."""
    return torch.cat([(part @ centroids.T).topk(count, dim=1).indices for part in vectors.split(4096)])
