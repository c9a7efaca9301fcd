"""Cheap and full trainings in one model: the paper's final method.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation: co-kriging, warmed up
    with low- and high-fidelity evaluations, then the upper confidence bound at high fidelity.
    Kennedy and O'Hagan (2000). Predicting the output from a complex computer code when fast approximations are
    available. Biometrika 87.
    Difference: of several low fidelities, the one that agreed best with full training before.
"""

from __future__ import annotations

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt

from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.evidence import evidence
from mf_nas_kd.search.history import History
from mf_nas_kd.search.strategy import Options, Proposal, Strategy, draw, explained, leaving_a_full_training, within
from mf_nas_kd.search.trusted_fidelity import trusted_fidelity
from mf_nas_kd.search.upper_confidence_bound import propose_by_bound
from mf_nas_kd.surrogates import CoKrigingPrior


class CoKrigingOptions(Options):
    """Options of :class:`CoKriging`.

    Attributes:
        low_fidelity_evaluations: Random short trainings of the warm-up; known ones help the model but do not count.
        initial_evaluations: Random full trainings of the warm-up; known ones count.
        exploration: Weight of the deviation in the bound; 0.5 in the paper.
        free_predictors: Whether models see operations and parameters, and have a line in all features beside the RBF;
            in the paper neither.
    """

    low_fidelity_evaluations: PositiveInt
    initial_evaluations: PositiveInt
    exploration: NonNegativeFloat
    free_predictors: bool


class CoKriging(Strategy):
    """Warm-up at both fidelities, then the highest upper confidence bound of co-kriging at full fidelity."""

    Options = CoKrigingOptions
    options: CoKrigingOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, options = self.problem, self.options
        numbers: tuple[int, ...] = (0,)
        if problem.low:
            low, chosen = trusted_fidelity(problem, history)
            numbers = (0, problem.fidelities.index(low))
            wanted = options.low_fidelity_evaluations - len(history.paid(low))
            drawn = draw(problem, history, low, max(0, min(wanted, problem.proposals_at_a_time)), rng)
            short = within(leaving_a_full_training(problem, history, budget), history, drawn)
            if short:
                return explained(short, chosen)
        known = len(history.accuracies(problem.full, problem.by_id))
        missing = min(options.initial_evaluations - known, problem.proposals_at_a_time)
        if missing > 0:
            return within(budget, history, draw(problem, history, problem.full, missing, rng))
        seen = evidence(problem, history, numbers, options.free_predictors)
        count = problem.proposals_at_a_time
        return within(
            budget,
            history,
            propose_by_bound(
                problem,
                history,
                problem.full,
                CoKrigingPrior(options.free_predictors),
                seen,
                options.exploration,
                count,
            ),
        )
