"""Kernels that the priors are built from: linear, RBF, and the squared distances of the latter.

References:
    Rasmussen and Williams (2006). Gaussian Processes for Machine Learning, sections 4.2.1 (RBF, there "squared
    exponential") and 4.2.2 (linear, there "dot product").
    Difference: inner products and squared distances are divided by the number of columns, so that hyper-parameters
    mean the same for spaces with few and with many features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def linear(left: Array, right: Array) -> Array:
    """Inner products of rows, divided by the number of columns; 0 without columns.

    Args:
        left: ``(m, p)``.
        right: ``(n, p)``.

    Returns:
        ``(m, n)``.

    >>> linear(np.array([[1.0, 3.0]]), np.array([[2.0, 0.0], [1.0, 1.0]]))
    array([[1., 2.]])
    """
    product: Array = (left / max(left.shape[1], 1)) @ right.T
    return product


def linear_diagonal(rows: Array) -> Array:
    """Diagonal of :func:`linear` of ``rows`` ``(n, p)`` with themselves, ``(n,)``.

    >>> linear_diagonal(np.array([[1.0, 3.0], [0.0, 2.0]]))
    array([5., 2.])
    """
    diagonal: Array = _squared_norms(rows) / max(rows.shape[1], 1)
    return diagonal


def squared_distances(left: Array, right: Array) -> Array:
    """Squared Euclidean distances of rows, divided by the number of columns; 0 without columns.

    All in one product, ``|l|^2 - 2 l . r + |r|^2``, so that the distance of equal rows may be about -1e-15.

    Args:
        left: ``(m, p)``.
        right: ``(n, p)``.

    Returns:
        ``(m, n)``.

    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [1.0, 1.0]]))
    array([[12.5,  1. ]])
    """
    lefts = np.column_stack([-2 * left, _squared_norms(left), np.ones(len(left))])
    rights = np.column_stack([right, np.ones(len(right)), _squared_norms(right)])
    distances: Array = (lefts / max(left.shape[1], 1)) @ rights.T
    return distances


def rbf(distances: Array, log_length_scale: float) -> Array:
    """RBF kernel ``exp(-d / (2 l^2))`` of squared distances ``d`` ``(m, n)`` with length scale ``l``.

    >>> rbf(np.array([[0.0]]), log_length_scale=0.0)
    array([[1.]])
    """
    similarity: Array = distances * (-0.5 * np.exp(-2 * log_length_scale))
    return np.exp(similarity, out=similarity)


def _squared_norms(rows: Array) -> Array:
    norms: Array = np.einsum("np,np->n", rows, rows)
    return norms
