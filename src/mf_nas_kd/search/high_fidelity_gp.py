"""Bayesian optimisation with high-fidelity evaluations only.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation: "HF-GP".
"""

from __future__ import annotations

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt

from mf_nas_kd.registry import Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, within
from mf_nas_kd.search.surrogate_data import surrogate_data
from mf_nas_kd.search.upper_confidence_bound import propose_by_bound
from mf_nas_kd.surrogates import SingleFidelityPrior


class HighFidelityGPOptions(Options):
    """Options of :class:`HighFidelityGP`.

    Attributes:
        initial_evaluations: Random high-fidelity evaluations before the Gaussian process is used; known ones count.
        exploration: Weight of the standard deviation in the upper confidence bound; 0.5 in the paper.
        zero_cost_proxies: Whether the model has zero-cost proxies (MACs, parameters) as inputs and a linear component
            beside the RBF component; in the paper neither.
    """

    initial_evaluations: PositiveInt
    exploration: NonNegativeFloat
    zero_cost_proxies: bool


class HighFidelityGP(Strategy):
    """Random high-fidelity evaluations, then the highest upper confidence bound."""

    Options = HighFidelityGPOptions
    options: HighFidelityGPOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, options = self.problem, self.options
        known = len(history.scores(problem.full, problem.by_id))
        missing = min(options.initial_evaluations - known, problem.proposals_at_a_time)
        if missing > 0:
            proposals = draw(problem, history, problem.full, missing, rng)
        else:
            count = problem.proposals_at_a_time
            seen = surrogate_data(problem, history, (0,), options.zero_cost_proxies)
            proposals = propose_by_bound(
                problem,
                history,
                problem.full,
                SingleFidelityPrior(options.zero_cost_proxies),
                seen,
                options.exploration,
                count,
            )
        return within(budget, history, proposals)
