"""Usual cost of an evaluation at each fidelity, from scratch and marginal, for strategies that divide by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem

USUAL_PAUSE = 0.7  # most of a training; the first one that can be continued says it exactly
SMALLEST_SHARE = 0.01  # of a cost that is left, so that measured seconds that contradict each other are no obstacle


def usual_costs(problem: SearchProblem, history: History) -> NDArray[np.float64]:
    """Mean cost from scratch of a finished evaluation at each of ``problem.fidelities``, in seconds.

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


def remaining_shares(problem: SearchProblem, history: History, costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each evaluation's cost that is left if it continues the candidate's earlier trainings.

    Of a candidate whose trainings take longer than usual, more seconds are saved, and more are left. So what is saved
    is divided by the candidate's own cost, which is expected to be as much above the usual one as that of its earlier
    training was.

    Args:
        problem: Candidates and fidelities.
        history: All observations.
        costs: ``(F,)``, see :func:`usual_costs`.

    Returns:
        ``(n, F)`` for ``n`` candidates, in (0, 1]; 1 where there is nothing to continue.
    """
    shares = np.ones((len(problem.candidates), len(costs)))
    usual = dict(zip(problem.fidelities, costs, strict=True))
    paused = (o for o in history if o.pause_seconds is not None and o.fidelity in usual)
    for observation in paused:
        row = problem.index.get(observation.architecture_id)
        for column, fidelity in enumerate(problem.fidelities):
            if row is not None and fidelity.continues(observation.fidelity):
                own = observation.cost_seconds * costs[column] / usual[observation.fidelity]
                left = max(1 - (observation.pause_seconds or 0.0) / own, SMALLEST_SHARE)
                shares[row, column] = min(shares[row, column], left)
    return shares


def pause_shares(problem: SearchProblem, history: History) -> NDArray[np.float64]:
    """Share of an evaluation's cost at each fidelity that an evaluation at the target fidelity would reuse.

    Returns:
        ``(F,)``, in [0, 1]: the mean of what was observed at any fidelity, ``USUAL_PAUSE`` before; 0 for fidelities
        that the target fidelity does not continue.
    """
    observed = [o.pause_seconds / o.cost_seconds for o in history if o.pause_seconds is not None and o.cost_seconds > 0]
    share = min(float(np.mean(observed)), 1.0) if observed else USUAL_PAUSE
    return np.array(
        [share if problem.continuation and problem.full.continues(fidelity) else 0.0 for fidelity in problem.fidelities]
    )
