"""Short trainings find where to start, full trainings go on from there.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation, Algorithm 2.
    Difference: of several low fidelities, the one that agreed best with full training before.
"""

from __future__ import annotations

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.evidence import evidence
from mf_nas_kd.search.history import History
from mf_nas_kd.search.strategy import Options, Proposal, Strategy, draw, explained, leaving_a_full_training, within
from mf_nas_kd.search.trusted_fidelity import trusted_fidelity
from mf_nas_kd.search.upper_confidence_bound import propose_by_bound
from mf_nas_kd.surrogates import SingleFidelityPrior


class TwoStageOptions(Options):
    """Options of :class:`TwoStage`.

    Attributes:
        low_fidelity_evaluations: Short trainings of the first stage; 10 in the paper. Known ones help the model but do
            not count.
        initial_evaluations: Observations at low fidelity before the process decides; known ones count.
        promoted: The best of the short trainings that are trained fully before the process takes over; 1 in the paper.
        exploration: Weight of the deviation in the bound; 0.5 in the paper.
        free_predictors: Whether models see operations and parameters, and have a line in all features beside the RBF;
            in the paper neither.
    """

    low_fidelity_evaluations: PositiveInt
    initial_evaluations: PositiveInt
    promoted: PositiveInt
    exploration: NonNegativeFloat
    free_predictors: bool


class TwoStage(Strategy):
    """Bayesian optimisation of short trainings, then of full ones, starting with the best of the short."""

    Options = TwoStageOptions
    options: TwoStageOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        if not self.problem.low:
            return within(budget, history, self._full({}, history, rng))
        low, chosen = trusted_fidelity(self.problem, history)
        if len(history.paid(low)) < self.options.low_fidelity_evaluations:
            short = self._short(low, history, budget, rng)
            if short:
                return explained(short, chosen)
        return within(budget, history, self._full(history.accuracies(low, self.problem.by_id), history, rng))

    def _short(self, low: Fidelity, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        """First stage; nothing if the budget would not leave one full training."""
        problem, options = self.problem, self.options
        wanted = options.low_fidelity_evaluations - len(history.paid(low))
        count = min(wanted, problem.proposals_at_a_time)
        known = len(history.accuracies(low, problem.by_id))
        if known < options.initial_evaluations:
            proposals = draw(problem, history, low, min(count, options.initial_evaluations - known), rng)
        else:
            proposals = self._by_bound(low, history, count)
        return within(leaving_a_full_training(problem, history, budget), history, proposals)

    def _full(self, short: dict[str, float], history: History, rng: np.random.Generator) -> tuple[Proposal, ...]:
        """Second stage.

        Args:
            short: Validation accuracies of the short trainings.
            history: What is known.
            rng: Chooses where nothing is known.
        """
        problem, options = self.problem, self.options
        tried = history.tried(problem.full)
        count = problem.proposals_at_a_time
        ranked = sorted(short, key=short.__getitem__, reverse=True)
        promoted = [
            Proposal(
                problem.by_id[name],
                problem.full,
                f"place {place} of {len(ranked)} short trainings, with {short[name]:.4f}",
            )
            for place, name in enumerate(ranked[: options.promoted], start=1)
            if name not in tried
        ]
        if promoted:
            return tuple(promoted[:count])
        if not history.accuracies(problem.full, problem.by_id):
            return draw(problem, history, problem.full, count, rng)
        return self._by_bound(problem.full, history, count)

    def _by_bound(self, fidelity: Fidelity, history: History, count: int) -> tuple[Proposal, ...]:
        """By a process of the evaluations at this fidelity alone."""
        problem, options = self.problem, self.options
        seen = evidence(problem, history, (problem.fidelities.index(fidelity),), options.free_predictors)
        return propose_by_bound(
            problem, history, fidelity, SingleFidelityPrior(options.free_predictors), seen, options.exploration, count
        )
