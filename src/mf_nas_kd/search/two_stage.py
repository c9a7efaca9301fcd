"""Two stages: Bayesian optimisation at a low fidelity, then at the target fidelity, starting from its best.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation, Algorithm 2.
    Difference: of several low fidelities, the one that agreed best with the target fidelity before.
"""

from __future__ import annotations

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.registry import Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.low_fidelity_choice import choose_low_fidelity
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, within, within_at_low_fidelity
from mf_nas_kd.search.surrogate_data import surrogate_data
from mf_nas_kd.search.upper_confidence_bound import propose_by_bound
from mf_nas_kd.surrogates import SingleFidelityPrior


class TwoStageOptions(Options):
    """Options of :class:`TwoStage`.

    Attributes:
        low_fidelity_evaluations: Low-fidelity evaluations of the first stage; 10 in the paper. The model uses known
            ones, but they do not count.
        initial_evaluations: Low-fidelity evaluations before the Gaussian process is used; known ones count.
        promoted: How many of the best low-fidelity candidates are evaluated at the target fidelity before the Gaussian
            process is used; 1 in the paper.
        exploration: Weight of the standard deviation in the upper confidence bound; 0.5 in the paper.
        zero_cost_proxies: Whether the model has zero-cost proxies (MACs, parameters) as inputs and a linear component
            beside the RBF component; in the paper neither.
    """

    low_fidelity_evaluations: PositiveInt
    initial_evaluations: PositiveInt
    promoted: PositiveInt
    exploration: NonNegativeFloat
    zero_cost_proxies: bool


class TwoStage(Strategy):
    """Bayesian optimisation at a low fidelity, then at the target fidelity from its best candidate."""

    Options = TwoStageOptions
    options: TwoStageOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        if not self.problem.low:
            return within(budget, history, self._full({}, history, rng))
        low, chosen = choose_low_fidelity(self.problem, history)
        if len(history.charged(low)) < self.options.low_fidelity_evaluations:
            cheap = within_at_low_fidelity(self.problem, history, budget, self._low(low, history, rng), chosen)
            if cheap:
                return cheap
        return within(budget, history, self._full(history.scores(low, self.problem.by_id), history, rng))

    def _low(self, low: Fidelity, history: History, rng: np.random.Generator) -> tuple[Proposal, ...]:
        """Proposals of the first stage."""
        problem, options = self.problem, self.options
        wanted = options.low_fidelity_evaluations - len(history.charged(low))
        count = min(wanted, problem.proposals_at_a_time)
        known = len(history.scores(low, problem.by_id))
        if known < options.initial_evaluations:
            return draw(problem, history, low, min(count, options.initial_evaluations - known), rng)
        return self._by_bound(low, history, count)

    def _full(
        self, low_accuracies: dict[str, float], history: History, rng: np.random.Generator
    ) -> tuple[Proposal, ...]:
        """Proposals of the second stage.

        Args:
            low_accuracies: Validation accuracies of the low-fidelity evaluations, by architecture.
            history: All observations.
            rng: Randomness of the start, where there is no observation.
        """
        problem, options = self.problem, self.options
        tried = history.tried(problem.full)
        count = problem.proposals_at_a_time
        ranked = sorted(low_accuracies, key=low_accuracies.__getitem__, reverse=True)
        promoted = [
            Proposal(
                problem.by_id[name],
                problem.full,
                f"rank {rank} of {len(ranked)} low-fidelity evaluations, with {low_accuracies[name]:.4f}",
            )
            for rank, name in enumerate(ranked[: options.promoted], start=1)
            if name not in tried
        ]
        if promoted:
            return tuple(promoted[:count])
        if not history.scores(problem.full, problem.by_id):
            return draw(problem, history, problem.full, count, rng)
        return self._by_bound(problem.full, history, count)

    def _by_bound(self, fidelity: Fidelity, history: History, count: int) -> tuple[Proposal, ...]:
        """Proposals by upper confidence bound, with a Gaussian process of the evaluations at this fidelity alone."""
        problem, options = self.problem, self.options
        seen = surrogate_data(problem, history, (problem.fidelities.index(fidelity),), options.zero_cost_proxies)
        return propose_by_bound(
            problem, history, fidelity, SingleFidelityPrior(options.zero_cost_proxies), seen, options.exploration, count
        )
