"""The Gaussian process of the paper's searches.

References:
    Rasmussen and Williams (2006). Gaussian Processes for Machine Learning, algorithm 2.1.
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation: scikit-learn's
    process with an RBF kernel on standardised features.
    Difference: an amplitude and a noise term are learned beside the length (an accuracy of one training is noisy), and
    the targets are standardised.
"""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel


class GaussianProcess:
    """Constant times RBF plus white noise, hyper-parameters by maximum marginal likelihood from one start."""

    def fit(self, features: NDArray[np.floating], values: NDArray[np.floating]) -> Self:
        kernel = ConstantKernel(1.0, (1e-2, 1e2)) * RBF(np.sqrt(features.shape[1]), (1e-1, 1e2))
        noise = WhiteKernel(1e-1, (1e-4, 1.0))
        self._regressor = GaussianProcessRegressor(kernel + noise, normalize_y=True)
        with warnings.catch_warnings():
            # An optimum at a bound is usual with a handful of observations, and nothing that a user could act on.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._regressor.fit(features, values)
        return self

    def predict(self, features: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        return self._regressor.predict(features, return_std=True)
