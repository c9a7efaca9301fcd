"""Cost-aware multi-fidelity search: maximise the probability of identifying the best candidate per second.

The highest rate over all candidates, fidelities and distillation configurations is proposed. Five files compute it:

- :mod:`.posterior`: two Gaussian processes, one of all evaluations and one of high-fidelity evaluations alone, averaged
  by model weights that follow from their log Bayes factor; joint draws give the probability of being the best,
- :mod:`.acquisition`: the rates, over marginal costs: a training that continues an earlier one costs what is left,
- :mod:`.evidence`: fidelities with few evaluations have an exploration bonus, and all low-fidelity evaluations together
  an allowance, which grows with the evidence that they pay,
- :mod:`.promotion`: the candidates whose low-fidelity result fell below the promotion threshold that was announced,
- :mod:`.reasons`: the sentences of the trace.

Where the Pareto front is the objective, :mod:`.front_acquisition` has the rates: expected hypervolume improvement per
second, with the same models, fidelities, allowance and thresholds.

References:
    Kadane (1971). Optimal Whereabouts Search. Operations Research 19.
    Hoeting, Madigan, Raftery, Volinsky (1999). Bayesian Model Averaging: A Tutorial. Statistical Science 14.
    Ginsbourger, Le Riche, Carraro (2010). Kriging is well-suited to parallelize optimization: the kriging believer for
    several proposals at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set

import numpy as np
from pydantic import PositiveInt

from mf_nas_kd.registry import Options
from mf_nas_kd.search.acquisition import Acquisition, HighFidelityChoice, LowFidelityChoice
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.continuing import continuing
from mf_nas_kd.search.front_acquisition import FrontAcquisition, FrontChoice
from mf_nas_kd.search.front_objective import ACCURACY_OBJECTIVE, FRONT_OBJECTIVE
from mf_nas_kd.search.front_reasons import front_reason
from mf_nas_kd.search.history import History
from mf_nas_kd.search.posterior import Models, Posterior
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.promotion import setbacks
from mf_nas_kd.search.reasons import reason_of
from mf_nas_kd.search.strategy import Proposal, Strategy, reserve_full_evaluation, within
from mf_nas_kd.search.usual_costs import pause_shares, remaining_shares, usual_costs

AnyAcquisition = Acquisition | FrontAcquisition
AnyChoice = HighFidelityChoice | LowFidelityChoice | FrontChoice


class MultiFidelityOptions(Options):
    """Options of :class:`MultiFidelity`.

    Attributes:
        draws: Joint draws of the candidates' accuracies. A probability below ``1 / draws`` usually counts as 0.
    """

    draws: PositiveInt


class MultiFidelity(Strategy):
    """The highest rate of identifying the best candidate, over all candidates and fidelities."""

    Options = MultiFidelityOptions
    options: MultiFidelityOptions
    objectives = (ACCURACY_OBJECTIVE, FRONT_OBJECTIVE)

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        proposals: list[Proposal] = []
        expected = history
        for _ in range(self.problem.proposals_at_a_time):
            # Not one candidate at two fidelities at a time: the second would not wait for the result of the first.
            pending = {proposal.candidate.id for proposal in proposals}
            acquisition = acquisition_of(self.problem, expected, pending, self.options.draws, rng, budget.seconds)
            if acquisition is None:
                break
            choice, proposal = self._best(acquisition, history, budget, proposals)
            proposals.append(proposal)
            expected = expected.with_(acquisition.expected_observation(choice))
        return within(budget, history, proposals)

    def expected_gain_points(self, history: History, budget: Budget, rng: np.random.Generator) -> float | None:
        """See :meth:`.Strategy.expected_gain_points`; by joint draws from the posterior."""
        best = history.best(self.problem.full, self.problem.by_id)
        if best is None or self.problem.objective is not None:
            return None
        acquisition = acquisition_of(self.problem, history, frozenset(), self.options.draws, rng)
        return 100 * acquisition.expected_gain(best[1], budget) if isinstance(acquisition, Acquisition) else 0.0

    def _best(
        self, acquisition: AnyAcquisition, history: History, budget: Budget, earlier: Sequence[Proposal]
    ) -> tuple[AnyChoice, Proposal]:
        """The choice with the highest rate; at low fidelity only if the budget leaves one high-fidelity evaluation."""
        high = acquisition.high_fidelity(setbacks(history, self.problem.full))
        low = acquisition.low_fidelity()
        if low is not None and low.rate > high.rate:
            together = [*earlier, self._proposal(low, acquisition)]
            reserved = reserve_full_evaluation(self.problem, history, budget)
            if len(within(reserved, history, together)) == len(together):
                return low, together[-1]
        return high, self._proposal(high, acquisition)

    def _proposal(self, choice: AnyChoice, acquisition: AnyAcquisition) -> Proposal:
        candidate, fidelity = self.problem.candidates[choice.candidate], self.problem.fidelities[choice.fidelity]
        threshold = None if isinstance(choice, HighFidelityChoice) else choice.threshold
        reason = _reason(choice, acquisition) + continuing(acquisition.history, candidate.id, fidelity)
        return Proposal(candidate, fidelity, reason, threshold)


def _reason(choice: AnyChoice, acquisition: AnyAcquisition) -> str:
    models = acquisition.models if isinstance(acquisition, FrontAcquisition) else acquisition.posterior.models
    metric = acquisition.problem.metric
    return (
        front_reason(choice, models, metric) if isinstance(choice, FrontChoice) else reason_of(choice, models, metric)
    )


def acquisition_of(
    problem: SearchProblem,
    history: History,
    pending: Set[str],
    draws: int,
    rng: np.random.Generator,
    budget_seconds: float = math.inf,
) -> AnyAcquisition | None:
    """Fit the models to a history, and draw from their posterior.

    Args:
        problem: Candidates and fidelities.
        history: All observations.
        pending: Candidates that are left out, by their stable names.
        draws: Joint draws of the candidates' accuracies.
        rng: Randomness of the draws.
        budget_seconds: What is left of the budget, in seconds.

    Returns:
        The rates of what could be evaluated next; None if all other candidates have a high-fidelity evaluation.
    """
    tried = history.tried(problem.full) | pending
    untried = np.array([index for name, index in problem.index.items() if name not in tried], dtype=int)
    if not len(untried):
        return None
    costs = usual_costs(problem, history)
    models = Models.fit(problem, history, costs)
    if problem.objective is not None:
        pauses = pause_shares(problem, history)
        return FrontAcquisition(problem, problem.objective, history, models, untried, costs, pauses, budget_seconds)
    return Acquisition(
        problem,
        history,
        Posterior(problem, models, untried, draws, rng),
        costs,
        remaining_shares(problem, history, costs),
        pause_shares(problem, history),
        budget_seconds,
    )
