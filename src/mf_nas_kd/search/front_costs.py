"""Expected cost of every possible evaluation, for an acquisition whose candidates differ much in size.

Along a front, cheap and costly networks are compared, so that a mean cost per fidelity is not enough. The logarithm of
the cost is taken to be linear in the log MACs, with one slope for all fidelities: 0 if all trainings take as long, 1 if
their time is proportional to the MACs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem

EXPECTED_SLOPE, SLOPE_SPREAD = 0.5, 0.5  # from constant to proportional
RESIDUAL = 0.2  # deviation of the log cost from the line


def expected_costs(problem: SearchProblem, history: History, usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected cost of each candidate at each fidelity, in the unit of the usual costs.

    Args:
        problem: Candidates and fidelities.
        history: All observations.
        usual: ``(F,)``, mean cost at each fidelity, see :func:`.usual_costs`. Where evaluations at a fidelity have
            finished, it is the cost at their mean log MACs; otherwise at the mean log MACs of the candidates.

    Returns:
        ``(N, F)``.
    """
    log_macs = np.log([candidate.macs for candidate in problem.candidates])
    finished = [seen for seen in history if seen.score is not None and seen.cost_seconds > 0]
    centres = np.full(len(usual), log_macs.mean())
    squares, products = 0.0, 0.0
    for column, fidelity in enumerate(problem.fidelities):
        seen = [each for each in finished if each.fidelity == fidelity]
        if seen:
            x, y = np.log([each.macs for each in seen]), np.log([each.cost_seconds for each in seen])
            centres[column] = x.mean()
            squares, products = squares + x.var() * len(x), products + float((x - x.mean()) @ y)
    slope = (products / RESIDUAL**2 + EXPECTED_SLOPE / SLOPE_SPREAD**2) / (squares / RESIDUAL**2 + SLOPE_SPREAD**-2)
    costs: NDArray[np.float64] = usual * np.exp(slope * (log_macs[:, None] - centres))
    return costs
