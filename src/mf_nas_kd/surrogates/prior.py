"""Protocol of a prior: mean and covariance of a Gaussian process before any observation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mf_nas_kd.surrogates.inputs import Inputs
from mf_nas_kd.surrogates.kernels import Array

Gradient = Callable[[Array, Array], Array]
"""Chain rule: from ``dL/dmean`` ``(n,)`` and symmetric ``dL/dcovariance`` ``(n, n)`` of any scalar ``L`` to ``dL/dt``
``(k,)``."""


class Prior(Protocol):
    """Mean and covariance of a Gaussian process as functions of hyper-parameters ``t``, ``(k,)``.

    Hyper-parameters are unbounded (logarithms of what is positive), and have independent normal priors themselves.

    Attributes:
        expected: ``(k,)``, means of the hyper-parameters.
        spread: ``(k,)``, standard deviations of the hyper-parameters.
    """

    expected: Array
    spread: Array

    def moments(self, t: Array, inputs: Inputs) -> tuple[Array, Array, Gradient]:
        """Mean and covariance of ``n`` observations, their noise included, and the gradient by ``t``.

        Returns:
            Mean ``(n,)``, covariance ``(n, n)``, and the chain rule, see ``Gradient``.
        """
        ...

    def mean(self, t: Array, inputs: Inputs) -> Array:
        """Mean of the noise-free function at ``m`` inputs, ``(m,)``."""
        ...

    def covariance(self, t: Array, left: Inputs, right: Inputs) -> Array:
        """Covariance of the noise-free function between ``m`` and ``n`` inputs, ``(m, n)``."""
        ...

    def variance(self, t: Array, inputs: Inputs) -> Array:
        """Variance of the noise-free function at ``m`` inputs, ``(m,)``."""
        ...
