"""BoTorch's Gaussian process and its expected hypervolume improvement, from arrays to arrays.

Needs torch; it is imported when it is needed. Letters: ``n`` observations, ``N`` points, ``p`` inputs in [0, 1]. The
last input is the cost that stands against the accuracy: its logarithm, scaled like the others.
"""

from __future__ import annotations

import numpy as np
import torch
from botorch import fit_gpytorch_mll
from botorch.acquisition.multi_objective.logei import qLogExpectedHypervolumeImprovement
from botorch.models import ModelList, SingleTaskGP
from botorch.models.deterministic import GenericDeterministicModel
from botorch.utils.multi_objective.box_decompositions.non_dominated import NondominatedPartitioning
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray

from mf_nas_kd.search.external.multi_fidelity_process import MOST_ITERATIONS, quietly

LARGEST_COST = 1.1  # of the reference point: a tenth of the range beyond the largest cost


class FrontProcess:
    """A ``SingleTaskGP`` of the accuracy with BoTorch's own kernel and priors, beside the known cost.

    Args:
        points: ``(n, p)``, n at least 2.
        accuracies: ``(n,)``.
        seed: Seed of the random numbers in fitting and in :meth:`log_improvement`.
    """

    def __init__(self, points: NDArray[np.float64], accuracies: NDArray[np.float64], seed: int) -> None:
        self._seed = seed
        scaled = (accuracies - accuracies.mean()) / (accuracies.std() or 1.0)
        inputs, values = torch.from_numpy(points), torch.from_numpy(scaled)[:, None]
        with quietly(seed):
            process = SingleTaskGP(inputs, values)
            fit_gpytorch_mll(
                ExactMarginalLogLikelihood(process.likelihood, process),
                optimizer_kwargs={"options": {"maxiter": MOST_ITERATIONS}},
            )
        self._model = ModelList(process, GenericDeterministicModel(lambda x: -x[..., -1:]))
        self._known = torch.cat([values, -inputs[:, -1:]], dim=-1)

    def log_improvement(self, points: NDArray[np.float64], pending: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the expected hypervolume improvement of each point; only differences mean something.

        The reference point has ``LARGEST_COST``, and the accuracy that ``infer_reference_point`` takes.

        Args:
            points: ``(N, p)``.
            pending: Points that are evaluated anyway, ``(k, p)``; may be empty.

        Returns:
            ``(N,)``.
        """
        front = self._known[is_non_dominated(self._known)]
        reference = infer_reference_point(front, torch.tensor([torch.nan, -LARGEST_COST], dtype=torch.double))
        with torch.no_grad(), quietly(self._seed):
            improvement = qLogExpectedHypervolumeImprovement(
                self._model,
                reference,
                NondominatedPartitioning(reference, self._known),
                X_pending=torch.from_numpy(pending) if len(pending) else None,
            )
            found: NDArray[np.float64] = improvement(torch.from_numpy(points)[:, None]).numpy()
        return found
