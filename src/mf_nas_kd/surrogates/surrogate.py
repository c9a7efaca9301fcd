"""The protocol of a surrogate."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray


class Surrogate(Protocol):
    """A model of one number by features. Knows nothing of money or search; the same data give the same predictions."""

    def fit(self, features: NDArray[np.floating], values: NDArray[np.floating]) -> Self:
        """Learn from observations.

        Args:
            features: ``(n, p)``, n at least 1.
            values: ``(n,)``.
        """
        ...

    def predict(self, features: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Mean and standard deviation, ``(m,)`` each, at ``features`` ``(m, p)``."""
        ...
