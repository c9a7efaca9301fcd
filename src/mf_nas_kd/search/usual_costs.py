"""Usual cost of an evaluation at each fidelity, for strategies that divide by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem


def usual_costs(problem: SearchProblem, history: History) -> NDArray[np.float64]:
    """Mean cost of a finished evaluation at each of ``problem.fidelities``, in seconds.

    A fidelity without a finished evaluation is expected to cost its :func:`.relative_cost` times the seconds per unit
    of relative cost of all finished evaluations together. Without any finished evaluation the costs are the relative
    ones, which have no unit.

    Returns:
        ``(F,)``, the target fidelity first.
    """
    relative = np.array([fidelity.relative_cost for fidelity in problem.fidelities])
    index_of = {fidelity: index for index, fidelity in enumerate(problem.fidelities)}
    seconds, count = np.zeros(len(relative)), np.zeros(len(relative))
    for observation in history:
        if observation.fidelity in index_of and observation.score is not None:
            seconds[index_of[observation.fidelity]] += observation.cost_seconds
            count[index_of[observation.fidelity]] += 1
    rate = seconds.sum() / (relative * count).sum() if count.any() else 1.0
    return np.where(count > 0, seconds / np.maximum(count, 1), relative * rate)
