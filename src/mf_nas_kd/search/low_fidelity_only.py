"""Short trainings decide, full trainings confirm.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation, Algorithm 1.
    Differences: fewer short trainings than asked for where the budget would not leave a full one; of several low
    fidelities, the one that agreed best with full training before; what is left of the budget after the best prediction
    goes to the next best ones.
"""

from __future__ import annotations

import numpy as np
from pydantic import PositiveInt

from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.evidence import candidates_seen, evidence
from mf_nas_kd.search.history import History
from mf_nas_kd.search.strategy import Options, Proposal, Strategy, draw, explained, leaving_a_full_training, within
from mf_nas_kd.search.trusted_fidelity import trusted_fidelity
from mf_nas_kd.surrogates import GaussianProcess, SingleFidelityPrior


class LowFidelityOnlyOptions(Options):
    """Options of :class:`LowFidelityOnly`.

    Attributes:
        low_fidelity_evaluations: Random short trainings of this search; 30 in the paper. Known ones help the model
            but do not count.
        free_predictors: Whether models see operations and parameters, and have a line in all features beside the RBF;
            in the paper neither.
    """

    low_fidelity_evaluations: PositiveInt
    free_predictors: bool


class LowFidelityOnly(Strategy):
    """Random short trainings, a Gaussian process of them, and full trainings in the order of its predictions."""

    Options = LowFidelityOnlyOptions
    options: LowFidelityOnlyOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem = self.problem
        if not problem.low:
            return within(budget, history, draw(problem, history, problem.full, problem.proposals_at_a_time, rng))
        low, chosen = trusted_fidelity(problem, history)
        wanted = self.options.low_fidelity_evaluations - len(history.paid(low))
        if wanted > 0:
            drawn = draw(problem, history, low, min(wanted, problem.proposals_at_a_time), rng)
            short = within(leaving_a_full_training(problem, history, budget), history, drawn)
            if short:
                return explained(short, chosen)
        if not history.accuracies(low, problem.by_id):
            return within(budget, history, draw(problem, history, problem.full, problem.proposals_at_a_time, rng))
        seen = evidence(problem, history, (problem.fidelities.index(low),), self.options.free_predictors)
        predicted = (
            GaussianProcess(SingleFidelityPrior(self.options.free_predictors))
            .fit(*seen)
            .predict_mean(candidates_seen(problem, self.options.free_predictors))
        )
        tried = history.tried(problem.full)
        best_first = [
            place for place in np.argsort(-predicted, kind="stable") if problem.candidates[place].id not in tried
        ]
        return within(
            budget,
            history,
            [
                Proposal(
                    problem.candidates[place],
                    problem.full,
                    f"best untried prediction, {predicted[place]:.4f} at low fidelity, "
                    f"from {len(seen[1])} short trainings",
                )
                for place in best_first[: problem.proposals_at_a_time]
            ],
        )
