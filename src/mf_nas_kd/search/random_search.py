"""Random search at the target fidelity: the baseline of every other strategy.

References:
    Li and Talwalkar (2019). Random Search and Reproducibility for Neural Architecture Search. UAI.
"""

from __future__ import annotations

import numpy as np

from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.front_objective import ACCURACY_OBJECTIVE, FRONT_OBJECTIVE
from mf_nas_kd.search.history import History
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, within


class RandomSearch(Strategy):
    """High-fidelity evaluations of random candidates until the budget is spent."""

    objectives = (ACCURACY_OBJECTIVE, FRONT_OBJECTIVE)

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem = self.problem
        return within(budget, history, draw(problem, history, problem.full, problem.proposals_at_a_time, rng))
