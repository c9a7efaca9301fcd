"""The protocol of a prior: what a Gaussian process believes before it has seen anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Gradient = Callable[[Array, Array], Array]
Inputs = TypeVar("Inputs", contravariant=True)


class Prior(Protocol[Inputs]):
    """Mean and covariance of a process as functions of hyper-parameters ``t``, ``(k,)``.

    Hyper-parameters are unbounded (logarithms of what is positive) and independently normal themselves. Inputs are
    whatever the prior understands; it alone looks inside.

    Attributes:
        expected: ``(k,)``, means of the hyper-parameters.
        spread: ``(k,)``, their standard deviations: what penalises leaving the expected values.
    """

    expected: Array
    spread: Array

    def moments(self, t: Array, inputs: Inputs) -> tuple[Array, Array, Gradient]:
        """Of ``n`` observations, their noise included.

        Returns:
            Mean ``(n,)``, covariance ``(n, n)``, and a chain rule: from the derivatives of any number by that mean
            ``(n,)`` and by that covariance ``(n, n)``, symmetric, it makes those by ``t``, ``(k,)``.
        """
        ...

    def mean(self, t: Array, inputs: Inputs) -> Array:
        """``(m,)``: of what is predicted."""
        ...

    def covariance(self, t: Array, left: Inputs, right: Inputs) -> Array:
        """``(m, n)``: between what is predicted and what was observed."""
        ...

    def variance(self, t: Array, inputs: Inputs) -> Array:
        """``(m,)``: of what is predicted."""
        ...
