"""Simulated studies: accuracies of candidates at low and high fidelity, with and without added value.

Two correlated zero-cost proxies (0.74) determine a part of both accuracies. In a null, the rest of the two is
independent; the rest of the low fidelities is correlated by one half, as that of trainings of the same candidates is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FIDELITIES = 15
NOISE = 0.8  # standard deviation beside a part of the proxies of 1: they explain 61 % of the variance


@dataclass(frozen=True)
class Study:
    """Accuracies of ``n`` candidates: ``low`` ``(n, FIDELITIES)``, ``high`` ``(n,)``, ``proxies`` ``(n, 2)``."""

    low: Floats
    high: Floats
    proxies: Floats


Curve = Callable[[Floats, Floats], Floats]
CURVES: Mapping[str, Curve] = {
    "linear": lambda macs, params: 0.7 * macs + 0.5 * params,
    "quadratic": lambda macs, params: 0.7 * macs + 0.5 * params - 0.5 * macs**2,
}
"""What the proxies determine of an accuracy."""


def _proxies(n: int, rng: np.random.Generator) -> Floats:
    size = rng.normal(size=(n, 1))
    return (size + 0.6 * rng.normal(size=(n, 2))) / np.hypot(1, 0.6)


def _explained(proxies: Floats, curve: str) -> Floats:
    values = CURVES[curve](*proxies.T)
    return (values - values.mean()) / values.std()


def _noise(n: int, draw: Callable[[tuple[int, ...]], Floats]) -> tuple[Floats, Floats]:
    """Noise of the low fidelities, ``(n, FIDELITIES)``, and of the high one, ``(n,)``."""
    low = np.sqrt(0.5) * draw((n, 1)) + np.sqrt(0.5) * draw((n, FIDELITIES))
    return NOISE * low, NOISE * draw((n,))


def _with_normal_noise(n: int, curve: str, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    proxies = _proxies(n, rng)
    low, high = _noise(n, lambda shape: rng.normal(size=shape))
    explained = _explained(proxies, curve)
    return explained[:, None] + low, explained + high, proxies


def gaussian(n: int, curve: str, rng: np.random.Generator) -> Study:
    """Normal noise."""
    return Study(*_with_normal_noise(n, curve, rng))


def heavy_tailed(n: int, curve: str, rng: np.random.Generator) -> Study:
    """Noise of Student's distribution with 2 degrees of freedom, whose variance is infinite."""
    proxies = _proxies(n, rng)
    low, high = _noise(n, lambda shape: 0.6 * rng.standard_t(2, size=shape))
    explained = _explained(proxies, curve)
    return Study(explained[:, None] + low, explained + high, proxies)


def saturating(n: int, curve: str, rng: np.random.Generator) -> Study:
    """Accuracies that come near to 1, measured on 30 images, so that many are equal."""
    low, high, proxies = _with_normal_noise(n, curve, rng)
    return Study(*(np.round(30 / (1 + np.exp(-2 * values))) / 30 for values in (low, high)), proxies)


def unequal_variances(n: int, curve: str, rng: np.random.Generator) -> Study:
    """Noise that grows with the MACs, at low and high fidelity alike: by 1.8 for each standard deviation."""
    proxies = _proxies(n, rng)
    low, high = _noise(n, lambda shape: rng.normal(size=shape))
    scale, explained = np.exp(0.6 * proxies[:, 0]), _explained(proxies, curve)
    return Study(explained[:, None] + scale[:, None] * low, explained + scale * high, proxies)


def broken(n: int, curve: str, rng: np.random.Generator) -> Study:
    """About 15 % of the candidates do not learn at the low fidelities, and other 15 % not at the high one."""
    low, high, proxies = _with_normal_noise(n, curve, rng)
    low[rng.random(n) < 0.15] -= 8
    high[rng.random(n) < 0.15] -= 8
    return Study(low, high, proxies)


def broken_if_small(n: int, curve: str, rng: np.random.Generator) -> Study:
    """The 15 % with the fewest MACs learn at no fidelity: a step that no smooth curve of the proxies follows."""
    low, high, proxies = _with_normal_noise(n, curve, rng)
    small = proxies[:, 0] < np.quantile(proxies[:, 0], 0.15)
    low[small] -= 8
    high[small] -= 8
    return Study(low, high, proxies)


NULLS: Mapping[str, Callable[[int, str, np.random.Generator], Study]] = {
    kind.__name__: kind for kind in (gaussian, heavy_tailed, saturating, unequal_variances, broken, broken_if_small)
}
"""Kinds of studies in which no low fidelity adds anything to the proxies."""


def with_added_value(n: int, semi_partial: float, explained: float, rng: np.random.Generator) -> Study:
    """Normal accuracies; the first of the low fidelities adds to the proxies, the others do not.

    Args:
        n: Number of candidates.
        semi_partial: Correlation of the high-fidelity accuracy with what the proxies do not explain of the first low
            fidelity, at most ``sqrt(1 - explained)``.
        explained: Part of the variance of all accuracies that the proxies explain, in [0, 1).
        rng: Source of randomness.
    """
    proxies = _proxies(n, rng)
    known = np.sqrt(explained) * _explained(proxies, "linear")
    left, partial = np.sqrt(1 - explained), semi_partial / np.sqrt(1 - explained)
    high = rng.normal(size=n)
    low = np.sqrt(0.5) * rng.normal(size=(n, 1)) + np.sqrt(0.5) * rng.normal(size=(n, FIDELITIES))
    low[:, 0] = partial * high + np.sqrt(1 - partial**2) * rng.normal(size=n)
    return Study(known[:, None] + left * low, known + left * high, proxies)
