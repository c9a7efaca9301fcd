"""Prior for accuracies at one fidelity: a line in the features, smooth deviations from it, and noise.

References:
    Rasmussen and Williams (2006). Gaussian Processes for Machine Learning, sections 2.7 (the line) and 4.2 (RBF).
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation: RBF alone.
"""

from __future__ import annotations

import numpy as np

from mf_nas_kd.surrogates.inputs import Inputs, gaussian_similarity, linear, linear_variance, squared_distances
from mf_nas_kd.surrogates.prior import Array, Gradient

# Accuracies lie between 0 and 1, and those of one space within a few percentage points. The deviations are so wide that
# ten times as much or as little costs little.
LEVEL, LEVEL_DEVIATION = 0.5, 0.5
LOG_SCALE, LOG_SCALE_SPREAD = np.log(0.03), 1.0
LOG_SHARE_SPREAD = 1.0  # of the logarithm of a part's variance, in units of the whole
LOG_LENGTH_SPREAD = 0.5  # lengths are about the distance of two random candidates
JITTER = 1e-10


class SingleFidelityPrior:
    """Constant, line, RBF and white noise.

    Hyper-parameters: logarithms of the scale (standard deviation of all parts), of the variances of line, RBF and noise
    in units of its square, and of the RBF's length.

    Args:
        line: Whether there is a line; in the paper there is none.
    """

    expected = np.array([LOG_SCALE, -1.0, -1.0, -2.0, 0.0])
    spread = np.array([LOG_SCALE_SPREAD, LOG_SHARE_SPREAD, LOG_SHARE_SPREAD, LOG_SHARE_SPREAD, LOG_LENGTH_SPREAD])

    def __init__(self, line: bool = True) -> None:
        self._line = float(line)

    def moments(self, t: Array, inputs: Inputs, noisy: Array | float = 1.0) -> tuple[Array, Array, Gradient]:
        """See :class:`.prior.Prior`; ``noisy``, ``(n,)``, is 0 for observations that are without noise."""
        distances = inputs.distances
        line, bumps = self._parts(t, inputs, inputs, distances)
        noise = np.exp(2 * t[0] + t[3]) * np.broadcast_to(noisy, len(inputs))
        covariance = line + bumps
        covariance += LEVEL_DEVIATION**2
        covariance[np.diag_indices_from(covariance)] += noise + JITTER

        def gradient(_: Array, by_covariance: Array) -> Array:
            by_line, by_noise = np.vdot(by_covariance, line), noise @ np.diag(by_covariance)
            of_bumps = by_covariance * bumps
            by_bumps, by_length = of_bumps.sum(), np.vdot(of_bumps, distances) * np.exp(-2 * t[4])
            return np.array([2 * (by_line + by_bumps + by_noise), by_line, by_bumps, by_noise, by_length])

        return self.mean(t, inputs), covariance, gradient

    def mean(self, t: Array, inputs: Inputs) -> Array:
        return np.full(len(inputs), LEVEL)

    def covariance(self, t: Array, left: Inputs, right: Inputs) -> Array:
        line, bumps = self._parts(t, left, right, squared_distances(left.features, right.features))
        line += bumps
        line += LEVEL_DEVIATION**2
        return line

    def variance(self, t: Array, inputs: Inputs) -> Array:
        line = linear_variance(inputs.features) + linear_variance(inputs.free)
        return np.exp(2 * t[0]) * (self._line * np.exp(t[1]) * line + np.exp(t[2])) + LEVEL_DEVIATION**2

    def _parts(self, t: Array, left: Inputs, right: Inputs, distances: Array) -> tuple[Array, Array]:
        line = linear(left.features, right.features) + linear(left.free, right.free)
        bumps = gaussian_similarity(distances, t[4])
        line *= self._line * np.exp(2 * t[0] + t[1])
        bumps *= np.exp(2 * t[0] + t[2])
        return line, bumps
