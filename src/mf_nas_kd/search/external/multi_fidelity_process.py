"""BoTorch's multi-fidelity Gaussian process and its cost-aware acquisition, from arrays to arrays.

The only file of ``search`` that imports torch; it is imported when it is needed. Letters: ``n`` observations, ``N``
points, ``p`` features. A point is ``p`` features in [0, 1] and, last, its fidelity in (0, 1], of which 1 is the target
fidelity.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from botorch import fit_gpytorch_mll
from botorch.acquisition.cost_aware import InverseCostWeightedUtility
from botorch.acquisition.max_value_entropy_search import qMultiFidelityLowerBoundMaxValueEntropy
from botorch.models.deterministic import GenericDeterministicModel
from botorch.models.gp_regression_fidelity import SingleTaskMultiFidelityGP
from botorch.utils.sampling import manual_seed
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray
from torch import Tensor

# Of the likelihood. n = 120, F = 16, one core: 0.9 s instead of 4.1 s, log likelihood -1.0674 instead of -1.0671 an
# observation.
MOST_ITERATIONS = 50


@contextmanager
def quietly(seed: int) -> Iterator[None]:
    """Restore torch's global generator afterwards, and suppress warnings on scales and repeated fits."""
    with warnings.catch_warnings(), manual_seed(seed):
        warnings.simplefilter("ignore")
        yield


class MultiFidelityProcess:
    """A ``SingleTaskMultiFidelityGP`` with BoTorch's own kernel and priors, fitted by marginal likelihood.

    Args:
        points: ``(n, p + 1)``, n at least 2.
        accuracies: ``(n,)``.
        seed: Seed of the random numbers in fitting and in :meth:`information_per_second`.
    """

    def __init__(self, points: NDArray[np.float64], accuracies: NDArray[np.float64], seed: int) -> None:
        self._seed = seed
        with quietly(seed):
            self._model = SingleTaskMultiFidelityGP(
                torch.from_numpy(points), torch.from_numpy(accuracies)[:, None], data_fidelities=[points.shape[1] - 1]
            )
            fit_gpytorch_mll(
                ExactMarginalLogLikelihood(self._model.likelihood, self._model),
                optimizer_kwargs={"options": {"maxiter": MOST_ITERATIONS}},
            )

    def mean(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predicted accuracies of points ``(N, p + 1)``, as ``(N,)``."""
        with torch.no_grad(), quietly(self._seed):
            # One batch a point: no covariances between them.
            return self._model.posterior(torch.from_numpy(points)[:, None]).mean.flatten().numpy()

    def information_per_second(
        self,
        points: NDArray[np.float64],
        targets: NDArray[np.float64],
        pending: NDArray[np.float64],
        seconds: Mapping[float, float],
    ) -> NDArray[np.float64]:
        """Information of each point about the best accuracy at the target fidelity, in nats per second of its cost.

        Args:
            points: Points to evaluate the acquisition at, ``(N, p + 1)``.
            targets: Points at the target fidelity, one of which is the best.
            pending: Points that are evaluated anyway; may be empty.
            seconds: Cost of each fidelity that occurs.

        Returns:
            ``(N,)``.
        """
        levels = torch.tensor(list(seconds), dtype=torch.double)
        costs = torch.tensor(list(seconds.values()), dtype=torch.double)

        def cost(points: Tensor) -> Tensor:
            return costs[(points[..., -1:] - levels).abs().argmin(dim=-1, keepdim=True)]

        def at_full(points: Tensor) -> Tensor:
            return torch.cat([points[..., :-1], torch.ones_like(points[..., -1:])], dim=-1)

        with torch.no_grad(), quietly(self._seed):
            acquisition = qMultiFidelityLowerBoundMaxValueEntropy(
                self._model,
                torch.from_numpy(targets),
                cost_aware_utility=InverseCostWeightedUtility(GenericDeterministicModel(cost)),
                project=at_full,
            )
            if len(pending):
                acquisition.set_X_pending(torch.from_numpy(pending))
            information: NDArray[np.float64] = (
                acquisition(torch.from_numpy(points)[:, None]).nan_to_num(nan=-torch.inf).numpy()
            )
        return information
