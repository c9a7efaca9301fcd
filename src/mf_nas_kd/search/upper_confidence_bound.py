"""Choose by the upper confidence bound of a Gaussian process.

References:
    Srinivas et al. (2010). Gaussian Process Optimization in the Bandit Setting. ICML, eq. 6: mean + b * deviation.
    Ginsbourger, Le Riche, Carraro (2010). Kriging is well-suited to parallelize optimization: the kriging believer for
    several proposals at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.evidence import candidates_seen
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.strategy import Proposal
from mf_nas_kd.surrogates import GaussianProcess, Inputs, Prior


def propose_by_bound(
    problem: SearchProblem,
    history: History,
    fidelity: Fidelity,
    prior: Prior[Inputs],
    known: tuple[Inputs, NDArray[np.floating]],
    exploration: float,
    count: int,
) -> tuple[Proposal, ...]:
    """The untried candidates with the highest bounds.

    For the second and later proposals the process is conditioned as if the earlier ones had given what was predicted,
    so that they are not all neighbours of each other.

    Args:
        problem: Candidates.
        history: Says what was tried.
        fidelity: What is proposed.
        prior: Of the process.
        known: Observations that the process is fitted on, at least one; see :func:`.evidence.evidence`.
        exploration: Weight of the deviation.
        count: How many at most.
    """
    inputs, values = known
    observations = len(values)
    tried = history.tried(fidelity)
    untried = np.array([place for name, place in problem.place.items() if name not in tried], dtype=int)
    everything = candidates_seen(problem, inputs.free.shape[1] > 0).at(problem.fidelities.index(fidelity))
    process = GaussianProcess(prior).fit(inputs, values)
    proposals: list[Proposal] = []
    while len(untried) and len(proposals) < count:
        if proposals:
            process.condition(process.hyper_parameters, inputs, values)
        mean, deviation = process.predict(everything[untried])
        best = int(np.argmax(mean + exploration * deviation))
        chosen = untried[best]
        reason = (
            f"highest bound: predicted {mean[best]:.4f} + {exploration:g} x {deviation[best]:.4f}, "
            f"from {observations} observations"
        )
        proposals.append(Proposal(problem.candidates[chosen], fidelity, reason))
        inputs, values = inputs.followed_by(everything[[chosen]]), np.append(values, mean[best])
        untried = np.delete(untried, best)
    return tuple(proposals)
