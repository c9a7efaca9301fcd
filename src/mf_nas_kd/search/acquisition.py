"""Cost-aware acquisition: probability of identifying the best candidate per second, over candidates and fidelities.

Every possible next evaluation has a rate, the probability that it leads to the high-fidelity evaluation of the best
candidate, divided by the expected cost:

- A high-fidelity evaluation identifies the best candidate with the probability that the candidate is the best. Its cost
  is that of a high-fidelity evaluation.
- A low-fidelity evaluation is valued as the first step of a plan: evaluate at low fidelity, then at high fidelity if
  the result lies above a threshold. The plan identifies the best candidate with the probability that the candidate is
  the best *and* passes. Its cost is that of the low-fidelity evaluation plus that of a high-fidelity evaluation times
  the probability of passing. The threshold is the one with the highest rate.

After the result, rates are computed anew. The threshold is kept in this way: a candidate whose result fell below is not
evaluated at high fidelity before another high-fidelity evaluation has finished, as long as there is another candidate.
Then its rate counts again like that of all others, and the proposal says that it fell below and what was learnt since.
To keep it out until all others are evaluated would be no better use of the plan: the threshold was the best one by a
model that knew less. (Measured, see docs/benchmark.md.)

References:
    Kadane (1971). Optimal Whereabouts Search. Operations Research 19: searching in the order of probability over cost
    minimises the expected cost until the object is found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.continuing import tried_or_longer
from mf_nas_kd.search.evidence import exploration_bonus, low_fidelity_allowance, pairs_of_fidelities
from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.posterior import JITTER, Array, Draws, Posterior
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.promotion import Setback
from mf_nas_kd.surrogates import Inputs

LOW_FIDELITY_CANDIDATES = 20  # candidates at most that are considered for low fidelity: those most probably the best
PASS_PROBABILITIES: Array = np.arange(1, 16) / 16  # probabilities of passing that are considered for thresholds
HIGHEST_CORRELATION = 0.99  # of a low-fidelity result with the high-fidelity one, before the exploration bonus


@dataclass(frozen=True)
class Choice:
    """A possible next evaluation.

    Attributes:
        candidate: Index of the candidate.
        fidelity: Index of the fidelity; 0 is the target fidelity.
        rate: Probability of identifying the best candidate per second.
        probability: Probability of identifying the best candidate.
        expected: Expected validation accuracy.
    """

    candidate: int
    fidelity: int
    rate: float
    probability: float
    expected: float


@dataclass(frozen=True)
class HighFidelityChoice(Choice):
    """A high-fidelity evaluation.

    Attributes:
        deviation: Posterior standard deviation of the accuracy.
        setback: The candidate's low-fidelity result below its promotion threshold, if there is one.
    """

    deviation: float
    setback: Setback | None = None


@dataclass(frozen=True)
class LowFidelityChoice(Choice):
    """A low-fidelity evaluation, valued as the first step of a plan with a threshold.

    Attributes:
        threshold: Low-fidelity accuracy above which the plan goes on at high fidelity.
        relative_cost: Expected cost of the plan in units of a high-fidelity evaluation.
        probability_at_once: Probability of identifying the best candidate by a high-fidelity evaluation at once.
        agreement: Correlation of the fidelity with the target fidelity under the joint model.
    """

    threshold: float
    relative_cost: float
    probability_at_once: float
    agreement: float


@dataclass(frozen=True)
class Acquisition:
    """Rates of all possible next evaluations, given a history.

    Attributes:
        problem: Candidates and fidelities.
        history: All observations.
        posterior: Posterior of the candidates without a high-fidelity evaluation.
        costs: ``(F,)``, expected cost of an evaluation at each fidelity, see :func:`.usual_costs`.
        shares: ``(n, F)``, what is left of the costs of ``n`` candidates, see :func:`.remaining_shares`.
        pauses: ``(F,)``, what the target fidelity reuses of each one, see :func:`.pause_shares`.
        budget_seconds: What is left of the budget, in seconds.
    """

    problem: SearchProblem
    history: History
    posterior: Posterior
    costs: Array
    shares: Array
    pauses: Array
    budget_seconds: float = math.inf

    def high_fidelity(self, setbacks: Mapping[str, Setback]) -> HighFidelityChoice:
        """The high-fidelity evaluation with the highest rate.

        Candidates that are set back, with no high-fidelity evaluation finished since, are left out if there are others.

        Args:
            setbacks: See :func:`.setbacks`.
        """
        posterior, models = self.posterior, self.posterior.models
        rates = posterior.probability_of_best / (self.costs[0] * self.shares[posterior.candidates, 0])
        order = np.lexsort((-posterior.mean, -rates))
        names = [self.problem.candidates[posterior.candidates[position]].id for position in order]
        allowed = (n for n, name in enumerate(names) if name not in setbacks or setbacks[name].finished_since)
        place = next(allowed, 0)
        best = order[place]
        candidate, probability = posterior.candidates[best], posterior.probability_of_best[best]
        process = models.full_only if models.weight < 0.5 else models.joint
        _, deviation = process.predict(self.problem.inputs[posterior.candidates[[best]]])
        return HighFidelityChoice(
            candidate=int(candidate),
            fidelity=0,
            rate=float(rates[best]),
            probability=float(probability),
            expected=float(posterior.mean[best]),
            deviation=float(deviation[0]),
            setback=setbacks.get(names[place]),
        )

    def low_fidelity(self) -> LowFidelityChoice | None:
        """The low-fidelity evaluation with the highest rate; None if none is left or affordable."""
        posterior, models = self.posterior, self.posterior.models
        pairs = self._low_fidelity_pairs()
        if not pairs or len(posterior.candidates) < 2:
            return None
        positions, fidelities = (np.array(column, dtype=int) for column in zip(*pairs, strict=True))
        at_full = self.problem.inputs[posterior.candidates[positions]]
        inputs = Inputs(at_full.features, at_full.proxies, at_full.candidate, fidelities)
        bonus = exploration_bonus(pairs_of_fidelities(models.inputs, len(self.costs)))[fidelities]
        expected, thresholds, by_joint = best_and_above(posterior.joint, positions, inputs, bonus)
        # The full-only model knows nothing of low fidelities: passing is independent of being the best.
        by_full_only = posterior.full_only.probability_of_best[positions][:, None] * PASS_PROBABILITIES
        probability = models.averaged(by_full_only, by_joint)
        first, then = self._plan_costs(posterior.candidates[positions], fidelities)
        cost = first[:, None] + PASS_PROBABILITIES * then[:, None]
        pair, threshold = np.unravel_index(np.argmax(probability / cost), probability.shape)
        fidelity = int(fidelities[pair])
        return LowFidelityChoice(
            candidate=int(posterior.candidates[positions[pair]]),
            fidelity=fidelity,
            rate=float(probability[pair, threshold] / cost[pair, threshold]),
            probability=float(probability[pair, threshold]),
            expected=float(expected[pair]),
            threshold=float(thresholds[pair, threshold]),
            relative_cost=float(cost[pair, threshold] / self.costs[0]),
            probability_at_once=float(posterior.probability_of_best[positions[pair]]),
            agreement=models.joint.prior.agreement(models.joint.hyper_parameters, fidelity),
        )

    def _plan_costs(self, candidates: NDArray[np.intp], fidelities: NDArray[np.intp]) -> tuple[Array, Array]:
        """Marginal costs of low-fidelity evaluations, and of the high-fidelity ones that follow them, ``(k,)`` each."""
        reused = self.pauses[fidelities] * self.costs[fidelities]
        left = np.minimum(self.shares[candidates, 0] * self.costs[0], self.costs[0] - reused)
        return self.costs[fidelities] * self.shares[candidates, fidelities], left

    def expected_gain(self, best: float, budget: Budget) -> float:
        """Expected difference of the best score that a budget could still find and the best one so far, at least 0.

        The budget is spent on high-fidelity evaluations of the candidates that are most probably the best.

        Args:
            best: The best score so far, in [0, 1].
            budget: The remaining budget.
        """
        posterior, order = self.posterior, self.posterior.order
        costs = self.costs[0] * self.shares[posterior.candidates[order], 0]
        afforded = order[: budget.evaluations][np.cumsum(costs)[: budget.evaluations] <= budget.seconds]
        by_full_only, by_joint = (
            np.maximum(draws.values[afforded].max(axis=0, initial=best) - best, 0).mean(keepdims=True)
            for draws in (posterior.full_only, posterior.joint)
        )
        return float(posterior.models.averaged(by_full_only, by_joint)[0])

    def expected_observation(self, choice: Choice) -> Observation:
        """The observation, if the choice gives and costs what is expected (kriging believer)."""
        candidate, fidelity = self.problem.candidates[choice.candidate], self.problem.fidelities[choice.fidelity]
        cost, step = float(self.costs[choice.fidelity]), len(self.history) + 1
        return Observation(candidate.id, fidelity, choice.expected, cost, candidate.macs, step)

    def _low_fidelity_pairs(self) -> list[tuple[int, int]]:
        """Positions in the shortlist with the indices of their untried fidelities that the allowance affords.

        A fidelity is left out where the candidate has a longer one that continues it.
        """
        problem, posterior = self.problem, self.posterior
        allowance = low_fidelity_allowance(problem, self.history, posterior.models, self.costs[0], self.budget_seconds)
        affordable = [index for index in range(1, len(self.costs)) if self._unused(index) <= allowance]
        if not affordable:
            return []
        names = [problem.candidates[posterior.candidates[position]].id for position in posterior.order]
        pairs = []
        for index in affordable:
            fidelity = problem.fidelities[index]
            tried = tried_or_longer(problem, self.history, fidelity)
            shortlist = zip(posterior.order[:LOW_FIDELITY_CANDIDATES], names, strict=False)
            pairs += [(int(position), index) for position, name in shortlist if name not in tried]
        return pairs

    def _unused(self, fidelity: int) -> float:
        """Part of a low-fidelity evaluation's cost that a high-fidelity one does not reuse, in seconds."""
        return float(self.costs[fidelity] * (1 - self.pauses[fidelity]))


def best_and_above(
    draws: Draws, positions: NDArray[np.intp], inputs: Inputs, bonus: Array
) -> tuple[Array, Array, Array]:
    """Probabilities that a candidate is the best and that its low-fidelity result lies above a threshold.

    Given a draw of the high-fidelity accuracies, the low-fidelity result is normal. So only the draws in which the
    candidate is the best are needed, and the low-fidelity results need not be drawn.

    Args:
        draws: Draws of the ``m`` candidates' high-fidelity accuracies.
        positions: ``(k,)``, positions among the ``m`` candidates.
        inputs: ``k`` inputs, the same candidates at the fidelities of the low-fidelity evaluations.
        bonus: ``(k,)``, exploration bonus.

    Returns:
        Expected results ``(k,)``; thresholds that are passed with ``PASS_PROBABILITIES``, ``(k, thresholds)``;
        probabilities ``(k, thresholds)``.
    """
    process = draws.process
    t, prior = process.hyper_parameters, process.prior
    mean, v = process.mean_and_v(inputs)
    variance = np.maximum(prior.variance(t, inputs) - np.einsum("nk,nk->k", v, v), JITTER)
    with_full = prior.covariance_with_full(t, inputs) - np.einsum("nk,nk->k", v, draws.v[:, positions])
    correlation = with_full / np.sqrt(variance * draws.variance[positions])
    correlation = np.clip(correlation, -HIGHEST_CORRELATION, HIGHEST_CORRELATION)
    correlation = np.tanh(np.arctanh(correlation) + bonus)
    slope = correlation * np.sqrt(variance / draws.variance[positions])
    rest = np.sqrt(variance * (1 - correlation**2))
    thresholds = mean[:, None] + np.sqrt(variance)[:, None] * ndtri(1 - PASS_PROBABILITIES)

    row, draw = np.nonzero(draws.is_best[positions])
    residual = draws.values[positions[row], draw] - draws.mean[positions[row]]
    above = ndtr(((mean[row] + slope[row] * residual)[:, None] - thresholds[row]) / rest[row, None])
    probabilities = np.zeros_like(thresholds)
    np.add.at(probabilities, row, above)
    return mean, thresholds, probabilities / draws.values.shape[1]
