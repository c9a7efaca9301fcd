"""Acquisition by the upper confidence bound of a Gaussian process.

References:
    Srinivas et al. (2010). Gaussian Process Optimization in the Bandit Setting. ICML, eq. 6: mean + b * deviation.
    Ginsbourger, Le Riche, Carraro (2010). Kriging is well-suited to parallelize optimization: the kriging believer for
    several proposals at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.strategy import Proposal
from mf_nas_kd.search.surrogate_data import candidate_inputs
from mf_nas_kd.surrogates import GaussianProcess, Inputs, Prior


def propose_by_bound(
    problem: SearchProblem,
    history: History,
    fidelity: Fidelity,
    prior: Prior,
    known: tuple[Inputs, NDArray[np.float64]],
    exploration: float,
    count: int,
) -> tuple[Proposal, ...]:
    """Propose the untried candidates with the highest upper confidence bounds.

    For the second and later proposals the process is conditioned as if the earlier ones had given their predicted means
    (kriging believer), so that the proposals are not all neighbours of each other.

    Args:
        problem: Candidates.
        history: Which candidates were tried.
        fidelity: The fidelity of the proposals.
        prior: Prior of the process.
        known: Observations that the process is fitted on, at least one; see :func:`.surrogate_data.surrogate_data`.
        exploration: Weight of the standard deviation.
        count: How many proposals at most.
    """
    inputs, values = known
    observations = len(values)
    tried = history.tried(fidelity)
    untried = np.array([index for name, index in problem.index.items() if name not in tried], dtype=int)
    candidates = candidate_inputs(problem, inputs.proxies.shape[1] > 0).at(problem.fidelities.index(fidelity))
    process = GaussianProcess(prior).fit(inputs, values)
    proposals: list[Proposal] = []
    while len(untried) and len(proposals) < count:
        if proposals:
            process.condition(process.hyper_parameters, inputs, values)
        mean, deviation = process.predict(candidates[untried])
        best = int(np.argmax(mean + exploration * deviation))
        chosen = untried[best]
        reason = (
            f"highest upper confidence bound: {mean[best]:.4f} + {exploration:g} x {deviation[best]:.4f}, "
            f"from {observations} observations"
        )
        proposals.append(Proposal(problem.candidates[chosen], fidelity, reason))
        inputs, values = inputs.followed_by(candidates[untried[[best]]]), np.append(values, mean[best])
        untried = np.delete(untried, best)
    return tuple(proposals)
