"""Short trainings decide, one full training confirms.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation, Algorithm 1.
    Differences: fewer short trainings than asked for where the budget would not leave a full one; of several low
    fidelities, the one that agreed best with full training before.
"""

from __future__ import annotations

import numpy as np
from pydantic import PositiveInt

from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import Candidate
from mf_nas_kd.search.strategy import Options, Proposal, Strategy, draw, explained, leaving_a_full_training, within
from mf_nas_kd.search.trusted_fidelity import trusted_fidelity
from mf_nas_kd.surrogates import GaussianProcess


class LowFidelityOnlyOptions(Options):
    """Options of :class:`LowFidelityOnly`.

    Attributes:
        low_fidelity_evaluations: Random short trainings of this search; 30 in the paper. Known ones help the model
            but do not count.
    """

    low_fidelity_evaluations: PositiveInt


class LowFidelityOnly(Strategy):
    """Random short trainings, a Gaussian process of them, and a full training of the best prediction."""

    Options = LowFidelityOnlyOptions
    options: LowFidelityOnlyOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem = self.problem
        low, chosen = trusted_fidelity(problem, history)
        wanted = self.options.low_fidelity_evaluations - len(history.paid(low))
        if wanted > 0:
            drawn = draw(problem, history, low, min(wanted, problem.proposals_at_a_time), rng)
            short = within(leaving_a_full_training(problem, history, budget), history, drawn)
            if short:
                return explained(short, chosen)
        known = history.accuracies(low, problem.by_id)
        if not known:
            return within(budget, history, draw(problem, history, problem.full, 1, rng))
        best, predicted = self._best_prediction(known)
        if best.id in history.tried(problem.full):
            return ()
        reason = f"best prediction, {predicted:.4f} at low fidelity, from {len(known)} short trainings"
        return within(budget, history, [Proposal(best, problem.full, reason)])

    def _best_prediction(self, known: dict[str, float]) -> tuple[Candidate, float]:
        features = self.problem.features
        process = GaussianProcess().fit(np.array([features[name] for name in known]), np.array(list(known.values())))
        mean, _ = process.predict(np.array([features[candidate.id] for candidate in self.problem.candidates]))
        place = int(np.argmax(mean))
        return self.problem.candidates[place], float(mean[place])
