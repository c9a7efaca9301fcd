"""Choose by the upper confidence bound of a Gaussian process.

References:
    Srinivas et al. (2010). Gaussian Process Optimization in the Bandit Setting. ICML, eq. 6: mean + b * deviation.
    Ginsbourger, Le Riche, Carraro (2010). Kriging is well-suited to parallelize optimization: the kriging believer for
    several proposals at a time.
"""

from __future__ import annotations

import numpy as np

from mf_nas_kd.evaluation.fidelity import Fidelity
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.strategy import Proposal
from mf_nas_kd.surrogates import GaussianProcess


def propose_by_bound(
    problem: SearchProblem, history: History, fidelity: Fidelity, exploration: float, count: int
) -> tuple[Proposal, ...]:
    """The untried candidates with the highest bounds.

    For the second and later proposals the process is fitted again as if the earlier ones had given what was predicted,
    so that they are not all neighbours of each other.

    Args:
        problem: Candidates.
        history: At least one finished observation of a candidate at the fidelity.
        fidelity: What is modelled and proposed.
        exploration: Weight of the deviation.
        count: How many at most.
    """
    known = history.accuracies(fidelity, problem.by_id)
    observations = len(known)
    tried = history.tried(fidelity)
    untried = [candidate for candidate in problem.candidates if candidate.id not in tried]
    proposals: list[Proposal] = []
    while untried and len(proposals) < count:
        process = GaussianProcess().fit(
            np.array([problem.features[name] for name in known]), np.array(list(known.values()))
        )
        mean, deviation = process.predict(np.array([problem.features[candidate.id] for candidate in untried]))
        place = int(np.argmax(mean + exploration * deviation))
        chosen = untried.pop(place)
        reason = (
            f"highest bound: predicted {mean[place]:.4f} + {exploration:g} x {deviation[place]:.4f}, "
            f"from {observations} observations at this fidelity"
        )
        proposals.append(Proposal(chosen, fidelity, reason))
        known[chosen.id] = float(mean[place])
    return tuple(proposals)
