"""Inputs of the surrogate models: architectures, each at a fidelity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.surrogates.kernels import Array, linear, squared_distances

GOLDEN_RATIO = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Inputs:
    """Architectures, each at a fidelity.

    Attributes:
        features: ``(n, p)``, the space's encoding, standardised over the candidates.
        proxies: ``(n, q)``, zero-cost proxies, standardised likewise; column 0 enters the prior mean of
            :class:`.MultiFidelityPrior`. May have no columns.
        candidate: ``(n,)``, index of the architecture; equal for evaluations of the same architecture.
        fidelity: ``(n,)``, index of the fidelity; 0 is the target fidelity.
    """

    features: Array
    proxies: Array
    candidate: NDArray[np.intp]
    fidelity: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.candidate)

    def __getitem__(self, chosen: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Inputs:
        return Inputs(self.features[chosen], self.proxies[chosen], self.candidate[chosen], self.fidelity[chosen])

    def at(self, fidelity: int) -> Inputs:
        """The same architectures, all at one fidelity."""
        return Inputs(self.features, self.proxies, self.candidate, np.full(len(self), fidelity))

    def followed_by(self, others: Inputs) -> Inputs:
        """Concatenation of these inputs and others."""
        return Inputs(
            np.concatenate([self.features, others.features]),
            np.concatenate([self.proxies, others.proxies]),
            np.concatenate([self.candidate, others.candidate]),
            np.concatenate([self.fidelity, others.fidelity]),
        )

    @cached_property
    def distances(self) -> Array:
        """Squared distances of the features, ``(n, n)``; cached, because every iteration of a fit needs them."""
        return squared_distances(self.features, self.features)

    @cached_property
    def products(self) -> tuple[Array, Array]:
        """Inner products of the features and of the proxies, ``(n, n)`` each, see :func:`.linear`; cached likewise."""
        return linear(self.features, self.features), linear(self.proxies, self.proxies)

    @cached_property
    def same_candidate(self) -> Array:
        """1 where two inputs are of one architecture, else 0, ``(n, n)``; cached likewise."""
        same: Array = (self.candidate[:, None] == self.candidate).astype(float)
        return same

    def most_evaluated(self, count: int) -> NDArray[np.intp]:
        """Positions of the evaluations of the architectures with most evaluations.

        How fidelities agree is observed only where one architecture has evaluations at several. Ties are broken by
        multiples of the golden ratio modulo 1, which are evenly distributed over the candidates without a period.

        Args:
            count: How many positions; all if there are fewer.

        Returns:
            ``(min(count, n),)``, ascending.
        """
        _, architecture, evaluations = np.unique(self.candidate, return_inverse=True, return_counts=True)
        evenly = self.candidate * GOLDEN_RATIO % 1
        return np.sort(np.lexsort((evenly, -evaluations[architecture]))[:count])
