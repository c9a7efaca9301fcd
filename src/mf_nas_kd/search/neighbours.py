"""Nearest candidates by their features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.search.problem import Candidate


class Neighbours:
    """Nearest-neighbour search among candidates.

    Distances are Euclidean, between features in units of their standard deviation over all candidates. Indicators,
    which are 0 or 1, are left as they are: every change of a one-hot choice is equally far, whatever its frequency.

    Args:
        candidates: ``n`` candidates with ``p`` features each.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        table = np.array([candidate.features for candidate in candidates])
        spread = table.std(axis=0)
        indicators = np.isin(table, (0, 1)).all(axis=0)
        self._scale = np.where(indicators | (spread == 0), 1.0, spread)
        self._points = table / self._scale

    def nearest(self, features: Sequence[float] | NDArray[np.float64], among: NDArray[np.intp]) -> NDArray[np.intp]:
        """Indices of the nearest candidates; all of them where several are equally near.

        Args:
            features: Features of any point, ``(p,)``.
            among: Indices of the candidates to choose from, at least one.
        """
        distances = np.square(self._points[among] - np.asarray(features) / self._scale).sum(axis=1)
        nearest: NDArray[np.intp] = among[distances <= distances.min() * (1 + 1e-9) + 1e-12]
        return nearest
