"""AZ-NAS: components and complexity of the candidates, put together by their ranks.

References:
    Lee and Ham (2024). AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search. CVPR, eq. 10 and
    algorithm 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

COMPONENTS = ("expressivity", "progressivity", "trainability")
"""The components that need a network; the fourth, complexity, is the number of multiply-accumulates."""


def rank_aggregation(*components: ArrayLike) -> NDArray[np.float64]:
    """Sum over components of ``log(rank / m)``: a candidate that is among the worst in one of them falls far behind.

    Args:
        *components: ``(m,)`` each, higher is better; equal values have the mean of their ranks.

    Returns:
        ``(m,)``, at most 0.

    >>> rank_aggregation([1, 2], [10, 20]).round(3).tolist()
    [-1.386, 0.0]
    """
    columns = np.stack([np.asarray(each, dtype=float) for each in components])
    total: NDArray[np.float64] = np.log(rankdata(columns, axis=1) / columns.shape[1]).sum(axis=0)
    return total
