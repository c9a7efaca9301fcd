"""Which candidates are most like another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.search.problem import Candidate


class Neighbours:
    """Candidates as points, to find the nearest of some of them.

    Distances are Euclidean, between features in units of their standard deviation over all candidates. Indicators,
    which are 0 or 1, are left as they are: every change of a one-hot choice is equally far, whatever its frequency.

    Args:
        candidates: N of them, with F features each.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        table = np.array([candidate.features for candidate in candidates])
        spread = table.std(axis=0)
        indicators = np.isin(table, (0, 1)).all(axis=0)
        self._scale = np.where(indicators | (spread == 0), 1.0, spread)
        self._points = table / self._scale

    def nearest(self, features: Sequence[float], among: NDArray[np.intp]) -> NDArray[np.intp]:
        """The places of the nearest candidates, all of them where several are equally near.

        Args:
            features: Of any point, ``(F,)``.
            among: Places of the candidates to choose from, at least one.
        """
        distances = np.square(self._points[among] - np.asarray(features) / self._scale).sum(axis=1)
        return among[distances <= distances.min() * (1 + 1e-9) + 1e-12]
