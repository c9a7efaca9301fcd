"""Training data of a surrogate model, made from a history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.surrogates import Inputs

FURTHEST_BELOW = 3.0


def surrogate_data(
    problem: SearchProblem, history: History, indices: tuple[int, ...] | None = None, zero_cost_proxies: bool = True
) -> tuple[Inputs, NDArray[np.float64]]:
    """Inputs and scores of the finished evaluations of candidates, in the order of the history.

    Scores far below the others of their fidelity are raised (winsorised): they show that a network is bad, not how
    the good ones differ, and would distort every model. The lower limit is the median minus ``FURTHEST_BELOW`` times
    the distance from the median to the best; there is none where the median is the best.

    Args:
        problem: Candidates and fidelities.
        history: All observations.
        indices: Which of ``problem.fidelities``; None for all.
        zero_cost_proxies: Whether the inputs include multiply-accumulates and parameters.

    Returns:
        ``n`` inputs and ``(n,)`` scores in [0, 1].
    """
    index_of = {fidelity: index for index, fidelity in enumerate(problem.fidelities)}
    seen = [
        (problem.index[observation.architecture_id], index_of[observation.fidelity], observation.score)
        for observation in history
        if observation.score is not None
        and observation.fidelity in index_of
        and (indices is None or index_of[observation.fidelity] in indices)
        and observation.architecture_id in problem.index
    ]
    candidates, fidelities = (np.array([row[column] for row in seen], dtype=int) for column in (0, 1))
    values = _winsorised(np.array([row[2] for row in seen], dtype=float), fidelities)
    inputs = candidate_inputs(problem, zero_cost_proxies)[candidates]
    return Inputs(inputs.features, inputs.proxies, inputs.candidate, fidelities), values


def candidate_inputs(problem: SearchProblem, zero_cost_proxies: bool) -> Inputs:
    """Inputs of all candidates at the target fidelity, with or without their zero-cost proxies."""
    inputs = problem.inputs
    if zero_cost_proxies:
        return inputs
    return Inputs(inputs.features, inputs.proxies[:, :0], inputs.candidate, inputs.fidelity)


def _winsorised(values: NDArray[np.float64], fidelities: NDArray[np.intp]) -> NDArray[np.float64]:
    """Values ``(n,)`` with those far below the median of their fidelity raised."""
    for fidelity in np.unique(fidelities):
        here = fidelities == fidelity
        median, best = np.median(values[here]), values[here].max()
        if best > median:
            values[here] = np.maximum(values[here], median - FURTHEST_BELOW * (best - median))
    return values
