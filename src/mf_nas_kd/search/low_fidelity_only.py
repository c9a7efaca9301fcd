"""Low-fidelity evaluations decide, high-fidelity evaluations confirm.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation, Algorithm 1.
    Differences: fewer low-fidelity evaluations than asked for where the budget would not leave a high-fidelity one; of
    several low fidelities, the one that agreed best with the target fidelity before; the rest of the budget after the
    best prediction is spent on the next best ones.
"""

from __future__ import annotations

import numpy as np
from pydantic import PositiveInt

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.registry import Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.low_fidelity_choice import choose_low_fidelity
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, within, within_at_low_fidelity
from mf_nas_kd.search.surrogate_data import candidate_inputs, surrogate_data
from mf_nas_kd.surrogates import GaussianProcess, SingleFidelityPrior


class LowFidelityOnlyOptions(Options):
    """Options of :class:`LowFidelityOnly`.

    Attributes:
        low_fidelity_evaluations: Random low-fidelity evaluations of this search; 30 in the paper. The model uses known
            ones, but they do not count.
        zero_cost_proxies: Whether the model has zero-cost proxies (MACs, parameters) as inputs and a linear component
            beside the RBF component; in the paper neither.
    """

    low_fidelity_evaluations: PositiveInt
    zero_cost_proxies: bool


class LowFidelityOnly(Strategy):
    """Random low-fidelity evaluations, then high-fidelity ones in the order of a Gaussian process' predictions."""

    Options = LowFidelityOnlyOptions
    options: LowFidelityOnlyOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem = self.problem
        if not problem.low:
            return within(budget, history, draw(problem, history, problem.full, problem.proposals_at_a_time, rng))
        low, chosen = choose_low_fidelity(problem, history)
        wanted = self.options.low_fidelity_evaluations - len(history.charged(low))
        if wanted > 0:
            drawn = draw(problem, history, low, min(wanted, problem.proposals_at_a_time), rng)
            cheap = within_at_low_fidelity(problem, history, budget, drawn, chosen)
            if cheap:
                return cheap
        if not history.scores(low, problem.by_id):
            return within(budget, history, draw(problem, history, problem.full, problem.proposals_at_a_time, rng))
        return within(budget, history, self._by_prediction(low, history))

    def _by_prediction(self, low: Fidelity, history: History) -> list[Proposal]:
        """High-fidelity evaluations of the untried candidates with the highest predictions at low fidelity."""
        problem, proxies = self.problem, self.options.zero_cost_proxies
        inputs, values = surrogate_data(problem, history, (problem.fidelities.index(low),), proxies)
        process = GaussianProcess(SingleFidelityPrior(proxies)).fit(inputs, values)
        predicted = process.predict_mean(candidate_inputs(problem, proxies))
        tried = history.tried(problem.full)
        order = np.argsort(-predicted, kind="stable")
        untried = [index for index in order if problem.candidates[index].id not in tried]
        return [
            Proposal(
                problem.candidates[index],
                problem.full,
                f"best untried prediction, {predicted[index]:.4f} at low fidelity, "
                f"from {len(values)} low-fidelity evaluations",
            )
            for index in untried[: problem.proposals_at_a_time]
        ]
