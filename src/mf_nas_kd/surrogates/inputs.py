"""What the priors see of an evaluation, and the similarities that they are built from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.surrogates.prior import Array

GOLDEN_RATIO = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Inputs:
    """Architectures, each at a fidelity.

    Attributes:
        features: ``(n, p)``, of the space's encoding, standardised over the candidates.
        free: ``(n, q)``, free predictors, standardised likewise; the first is the one that is believed in. May have no
            columns.
        who: ``(n,)``, integers that tell the architectures apart.
        fidelity: ``(n,)``, integers; 0 is full training.
    """

    features: Array
    free: Array
    who: NDArray[np.intp]
    fidelity: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.who)

    def __getitem__(self, chosen: NDArray[np.intp] | slice) -> Inputs:
        return Inputs(self.features[chosen], self.free[chosen], self.who[chosen], self.fidelity[chosen])

    def at(self, fidelity: int) -> Inputs:
        """The same architectures at another fidelity."""
        return Inputs(self.features, self.free, self.who, np.full(len(self), fidelity))

    def followed_by(self, others: Inputs) -> Inputs:
        """These, then the others."""
        pairs = ((getattr(self, name), getattr(others, name)) for name in ("features", "free", "who", "fidelity"))
        return Inputs(*(np.concatenate(pair) for pair in pairs))

    @cached_property
    def distances(self) -> Array:
        """``(n, n)``: :func:`squared_distances` among themselves; kept, because every step of a fit needs them."""
        return squared_distances(self.features, self.features)

    def most_evaluated(self, count: int) -> NDArray[np.intp]:
        """Positions of ``count`` evaluations, ascending, or of all if there are fewer.

        Those of the architectures with most evaluations: what fidelities have to do with each other is seen only where
        one architecture has several. Among equals the golden ratio decides, which is even but has no period.
        """
        _, architecture, evaluations = np.unique(self.who, return_inverse=True, return_counts=True)
        evenly = self.who * GOLDEN_RATIO % 1
        return np.sort(np.lexsort((evenly, -evaluations[architecture]))[:count])


def linear(left: Array, right: Array) -> Array:
    """``(m, n)``: inner products, divided by the number of columns; 0 without columns."""
    return (left / max(left.shape[1], 1)) @ right.T


def linear_variance(inputs: Array) -> Array:
    """``(n,)``: the diagonal of :func:`linear`."""
    return _squares(inputs) / max(inputs.shape[1], 1)


def squared_distances(left: Array, right: Array) -> Array:
    """``(m, n)``: squared Euclidean distances, divided by the number of columns; 0 without columns.

    All in one product, ``|l|^2 - 2 l . r + |r|^2``, so that equal rows may be about 1e-15 below zero apart.
    """
    lefts = np.column_stack([-2 * left, _squares(left), np.ones(len(left))])
    rights = np.column_stack([right, np.ones(len(right)), _squares(right)])
    return (lefts / max(left.shape[1], 1)) @ rights.T


def gaussian_similarity(distances: Array, log_length: float) -> Array:
    """``exp(-d / (2 l^2))``: the RBF kernel of squared distances."""
    similarity = distances * (-0.5 * np.exp(-2 * log_length))
    return np.exp(similarity, out=similarity)


def _squares(rows: Array) -> Array:
    return np.einsum("np,np->n", rows, rows)
