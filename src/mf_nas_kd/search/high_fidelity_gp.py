"""Bayesian optimisation with full trainings only.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation: "HF-GP".
"""

from __future__ import annotations

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt

from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.evidence import evidence
from mf_nas_kd.search.history import History
from mf_nas_kd.search.strategy import Options, Proposal, Strategy, draw, within
from mf_nas_kd.search.upper_confidence_bound import propose_by_bound
from mf_nas_kd.surrogates import SingleFidelityPrior


class HighFidelityGPOptions(Options):
    """Options of :class:`HighFidelityGP`.

    Attributes:
        initial_evaluations: Random full trainings before the process decides; known ones count.
        exploration: Weight of the deviation in the bound; 0.5 in the paper.
        free_predictors: Whether models see operations and parameters, and have a line in all features beside the RBF;
            in the paper neither.
    """

    initial_evaluations: PositiveInt
    exploration: NonNegativeFloat
    free_predictors: bool


class HighFidelityGP(Strategy):
    """A few random full trainings, then the highest upper confidence bound."""

    Options = HighFidelityGPOptions
    options: HighFidelityGPOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, options = self.problem, self.options
        known = len(history.accuracies(problem.full, problem.by_id))
        missing = min(options.initial_evaluations - known, problem.proposals_at_a_time)
        if missing > 0:
            proposals = draw(problem, history, problem.full, missing, rng)
        else:
            count = problem.proposals_at_a_time
            seen = evidence(problem, history, (0,), options.free_predictors)
            proposals = propose_by_bound(
                problem,
                history,
                problem.full,
                SingleFidelityPrior(options.free_predictors),
                seen,
                options.exploration,
                count,
            )
        return within(budget, history, proposals)
