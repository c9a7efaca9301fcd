"""Co-kriging of low- and high-fidelity evaluations: the final method of the paper.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation: co-kriging, warmed up
    with low- and high-fidelity evaluations, then the upper confidence bound at high fidelity.
    Kennedy and O'Hagan (2000). Predicting the output from a complex computer code when fast approximations are
    available. Biometrika 87.
    Difference: of several low fidelities, the one that agreed best with the target fidelity before.
"""

from __future__ import annotations

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt

from mf_nas_kd.registry import Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.low_fidelity_choice import choose_low_fidelity
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, within, within_at_low_fidelity
from mf_nas_kd.search.surrogate_data import surrogate_data
from mf_nas_kd.search.upper_confidence_bound import propose_by_bound
from mf_nas_kd.surrogates import CoKrigingPrior


class CoKrigingOptions(Options):
    """Options of :class:`CoKriging`.

    Attributes:
        low_fidelity_evaluations: Random low-fidelity evaluations of the warm-up; the model uses known ones, but they do
            not count.
        initial_evaluations: Random high-fidelity evaluations of the warm-up; known ones count.
        exploration: Weight of the standard deviation in the upper confidence bound; 0.5 in the paper.
        zero_cost_proxies: Whether the model has zero-cost proxies (MACs, parameters) as inputs and a linear component
            beside the RBF component; in the paper neither.
    """

    low_fidelity_evaluations: PositiveInt
    initial_evaluations: PositiveInt
    exploration: NonNegativeFloat
    zero_cost_proxies: bool


class CoKriging(Strategy):
    """Warm-up at both fidelities, then the highest upper confidence bound of co-kriging at the target fidelity."""

    Options = CoKrigingOptions
    options: CoKrigingOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, options = self.problem, self.options
        indices: tuple[int, ...] = (0,)
        if problem.low:
            low, chosen = choose_low_fidelity(problem, history)
            indices = (0, problem.fidelities.index(low))
            wanted = options.low_fidelity_evaluations - len(history.charged(low))
            drawn = draw(problem, history, low, max(0, min(wanted, problem.proposals_at_a_time)), rng)
            cheap = within_at_low_fidelity(problem, history, budget, drawn, chosen)
            if cheap:
                return cheap
        known = len(history.scores(problem.full, problem.by_id))
        missing = min(options.initial_evaluations - known, problem.proposals_at_a_time)
        if missing > 0:
            return within(budget, history, draw(problem, history, problem.full, missing, rng))
        return within(budget, history, self._by_bound(indices, history))

    def _by_bound(self, indices: tuple[int, ...], history: History) -> tuple[Proposal, ...]:
        """High-fidelity evaluations by upper confidence bound, with co-kriging of these fidelities."""
        problem, options = self.problem, self.options
        return propose_by_bound(
            problem,
            history,
            problem.full,
            CoKrigingPrior(options.zero_cost_proxies),
            surrogate_data(problem, history, indices, options.zero_cost_proxies),
            options.exploration,
            problem.proposals_at_a_time,
        )
