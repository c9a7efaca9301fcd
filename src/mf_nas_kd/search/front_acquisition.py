"""Acquisition for a Pareto front: expected hypervolume improvement per second, over candidates and fidelities.

The cost of a candidate (MACs, for example) is known without training, so that the expectation is over its score alone.

- A high-fidelity evaluation has the expected hypervolume improvement of :mod:`.hypervolume`, divided by its expected
  cost.
- A low-fidelity evaluation is valued as in :mod:`.acquisition`, as the first step of a plan: evaluate at low fidelity,
  then at high fidelity if the result lies above a threshold. The plan improves the hypervolume by the expectation of
  the improvement times the probability that the result lies above the threshold, given the score at the target
  fidelity. Its cost is that of the low-fidelity evaluation, plus that of a high-fidelity one times the probability of
  passing. The threshold is the one with the highest rate.

Models, their average, exploration bonus, allowance of low fidelities and promotion thresholds are those of the search
for the best candidate.

The reference point lies a tenth of the range beyond the largest cost of all candidates, and below the lowest score that
is expected of any candidate or that a member of the front has.

References:
    Emmerich, Giannakoglou, Naujoks (2006): see :mod:`.hypervolume`.
    Kadane (1971). Optimal Whereabouts Search. Operations Research 19: the order of value over cost.
    Belakaria, Deshwal, Doppa (2020). Multi-Fidelity Multi-Objective Bayesian Optimization: An Output Space Entropy
    Search Approach. AAAI: information about the front per cost, with fidelities. Difference: the improvement of the
    front itself, by a plan that ends with a high-fidelity evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from mf_nas_kd.search.acquisition import (
    HIGHEST_CORRELATION,
    LOW_FIDELITY_CANDIDATES,
    PASS_PROBABILITIES,
    Choice,
)
from mf_nas_kd.search.continuing import tried_or_longer
from mf_nas_kd.search.evidence import exploration_bonus, low_fidelity_allowance, pairs_of_fidelities
from mf_nas_kd.search.front_costs import expected_costs
from mf_nas_kd.search.front_objective import FrontObjective
from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.hypervolume import ReferencePoint, Staircase
from mf_nas_kd.search.posterior import JITTER, Array, Models, Process
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.promotion import Setback
from mf_nas_kd.search.usual_costs import remaining_shares
from mf_nas_kd.surrogates import Inputs

GRID: Array = np.linspace(-4.5, 4.5, 46)  # scores that are considered for plans, in standard deviations from the mean
GRID_WEIGHTS: Array = np.exp(-0.5 * GRID**2) / np.exp(-0.5 * GRID**2).sum()


@dataclass(frozen=True)
class FrontChoice(Choice):
    """A possible next evaluation. ``rate`` is the expected hypervolume improvement per second, ``probability`` unused.

    Attributes:
        cost: Name of the cost that stands against the score.
        improvement: Expected hypervolume improvement, score times log cost.
        deviation: Posterior standard deviation of the score at the target fidelity.
        setback: The candidate's low-fidelity result below its promotion threshold, if there is one.
        threshold: Of a low-fidelity evaluation: the result above which the plan goes on; None at the target fidelity.
        relative_cost: Expected cost of the plan in units of a high-fidelity evaluation of the candidate.
        improvement_at_once: Expected improvement by a high-fidelity evaluation at once.
        agreement: Correlation of the fidelity with the target fidelity under the joint model.
    """

    cost: str
    improvement: float
    deviation: float
    setback: Setback | None = None
    threshold: float | None = None
    relative_cost: float = 1.0
    improvement_at_once: float = 0.0
    agreement: float = 1.0


@dataclass(frozen=True)
class FrontAcquisition:
    """Rates of all possible next evaluations, given a history.

    Attributes:
        problem: Candidates and fidelities, with the objective.
        objective: The front that is to be found.
        history: All observations.
        models: The two processes, conditioned on the history.
        untried: ``(m,)``, indices of the candidates without a high-fidelity evaluation, at least one.
        usual: ``(F,)``, mean cost of an evaluation at each fidelity, see :func:`.usual_costs`.
        pauses: ``(F,)``, what the target fidelity reuses of each one, see :func:`.pause_shares`.
        budget_seconds: What is left of the budget.
    """

    problem: SearchProblem
    objective: FrontObjective
    history: History
    models: Models
    untried: NDArray[np.intp]
    usual: Array
    pauses: Array
    budget_seconds: float

    def high_fidelity(self, setbacks: Mapping[str, Setback]) -> FrontChoice:
        """The high-fidelity evaluation with the highest rate.

        Candidates that are set back, with no high-fidelity evaluation finished since, are left out if there are others.

        Args:
            setbacks: See :func:`.setbacks`.
        """
        rates = self.improvements / self.costs[:, 0]
        names = [self.problem.candidates[index].id for index in self.untried]
        waiting = np.array([name in setbacks and not setbacks[name].finished_since for name in names])
        place = int(np.argmax(np.where(waiting & ~waiting.all(), -np.inf, rates)))
        return self._choice(place, 0, float(rates[place]), float(self.improvements[place]), setbacks.get(names[place]))

    def low_fidelity(self) -> FrontChoice | None:
        """The low-fidelity evaluation with the highest rate; None if none is left or affordable."""
        pairs = self._low_fidelity_pairs()
        if not pairs or len(self.untried) < 2:
            return None
        places, fidelities = (np.array(column, dtype=int) for column in zip(*pairs, strict=True))
        bonus = exploration_bonus(pairs_of_fidelities(self.models.inputs, len(self.usual)))[fidelities]
        expected, thresholds, by_joint = self._improvement_above(places, fidelities, bonus)
        # The full-only model knows nothing of low fidelities: passing is independent of the score.
        by_full_only = self._improvements(self.models.full_only)[places][:, None] * PASS_PROBABILITIES
        improvement = self.models.averaged(by_full_only, by_joint)
        reused = self.pauses[fidelities] * self.from_scratch[places, fidelities]
        then = np.minimum(self.costs[places, 0], self.from_scratch[places, 0] - reused)
        cost = self.costs[places, fidelities][:, None] + PASS_PROBABILITIES * then[:, None]
        pair, at = np.unravel_index(np.argmax(improvement / cost), cost.shape)
        place, fidelity = int(places[pair]), int(fidelities[pair])
        return self._choice(
            place,
            fidelity,
            rate=float(improvement[pair, at] / cost[pair, at]),
            improvement=float(improvement[pair, at]),
            expected=float(expected[pair]),
            threshold=float(thresholds[pair, at]),
            relative_cost=float(cost[pair, at] / self.costs[place, 0]),
        )

    def expected_observation(self, choice: Choice) -> Observation:
        """The observation, if the choice gives and costs what is expected (kriging believer)."""
        candidate, fidelity = self.problem.candidates[choice.candidate], self.problem.fidelities[choice.fidelity]
        cost, step = float(self.usual[choice.fidelity]), len(self.history) + 1
        return Observation(candidate.id, fidelity, choice.expected, cost, candidate.macs, step)

    @cached_property
    def costs(self) -> Array:
        """Expected marginal cost of each untried candidate at each fidelity, ``(m, F)``."""
        return self.from_scratch * remaining_shares(self.problem, self.history, self.usual)[self.untried]

    @cached_property
    def from_scratch(self) -> Array:
        """The same, if no earlier training is continued."""
        return expected_costs(self.problem, self.history, self.usual)[self.untried]

    @cached_property
    def log_costs(self) -> Array:
        """Log of the cost of all candidates that stands against the score, ``(N,)``."""
        return np.log([self.objective.values[candidate.id] for candidate in self.problem.candidates])

    @cached_property
    def staircase(self) -> Staircase:
        """The known front, up to the reference point."""
        scores = self.history.scores(self.problem.full, self.problem.by_id)
        known = self.log_costs[[self.problem.index[name] for name in scores]]
        values = np.array(list(scores.values()))
        members = Staircase.of(known, values, ReferencePoint(np.inf, -np.inf)).levels[1:]
        reference = ReferencePoint.beyond(self.log_costs, np.concatenate([members, self._mean]))
        return Staircase.of(known, values, reference)

    @cached_property
    def improvements(self) -> Array:
        """Expected hypervolume improvement of each untried candidate, averaged over both models, ``(m,)``."""
        by_full_only = self._improvements(self.models.full_only)
        return self.models.averaged(by_full_only, self._improvements(self.models.joint))

    def _improvements(self, process: Process) -> Array:
        mean, deviation = self._moments[process is self.models.joint]
        return self.staircase.expected_improvement(self.log_costs[self.untried], mean, deviation)

    @cached_property
    def _moments(self) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Posterior mean and deviation ``(m,)`` of the untried candidates by the full-only and by the joint model."""
        inputs = self.problem.inputs[self.untried]
        full_only = _moments(self.models.full_only, inputs)
        return full_only, _moments(self.models.joint, inputs) if self.models.differ else full_only

    @property
    def _mean(self) -> Array:
        return self.models.averaged(self._moments[0][0], self._moments[1][0])

    def _low_fidelity_pairs(self) -> list[tuple[int, int]]:
        """Places of the candidates with the highest improvement, with their untried fidelities that are affordable."""
        problem, full = self.problem, float(self.usual[0])
        allowance = low_fidelity_allowance(problem, self.history, self.models, full, self.budget_seconds)
        best = np.argsort(-self.improvements / self.costs[:, 0], kind="stable")[:LOW_FIDELITY_CANDIDATES]
        pairs = []
        for index, fidelity in enumerate(problem.fidelities[1:], start=1):
            # Not charged: what the target fidelity reuses. Left out: a training after a longer one that continues it.
            unused = self.costs[:, index] * (1 - self.pauses[index])
            tried = tried_or_longer(problem, self.history, fidelity)
            pairs += [
                (int(place), index)
                for place in best
                if unused[place] <= allowance and problem.candidates[self.untried[place]].id not in tried
            ]
        return pairs

    def _improvement_above(
        self, places: NDArray[np.intp], fidelities: NDArray[np.intp], bonus: Array
    ) -> tuple[Array, Array, Array]:
        """Expected results ``(k,)``, thresholds and expected improvements above them ``(k, thresholds)``, joint model.

        Given the score at the target fidelity the result is normal, so that the expectation of improvement times
        probability of passing is one integral over the score, here a sum over ``GRID``.
        """
        process = self.models.joint
        at_full = self.problem.inputs[self.untried[places]]
        low = Inputs(at_full.features, at_full.proxies, at_full.candidate, fidelities)
        mean, deviation, correlation = _with_full(process, low, at_full, bonus)
        thresholds = mean[:, None] + deviation[:, None] * ndtri(1 - PASS_PROBABILITIES)
        mean_of_full, deviation_of_full = (each[places] for each in self._moments[1])
        scores = mean_of_full[:, None] + deviation_of_full[:, None] * GRID
        improvement = self.staircase.improvement(self.log_costs[self.untried[places]], scores) * GRID_WEIGHTS
        # (k, grid, thresholds), in standard deviations of the result
        z = correlation[:, None, None] * GRID[:, None] - ndtri(1 - PASS_PROBABILITIES)
        passing = ndtr(z / np.sqrt(1 - correlation**2)[:, None, None])
        return mean, thresholds, np.einsum("kg,kgt->kt", improvement, passing)

    def _choice(
        self,
        place: int,
        fidelity: int,
        rate: float,
        improvement: float,
        setback: Setback | None = None,
        expected: float | None = None,
        threshold: float | None = None,
        relative_cost: float = 1.0,
    ) -> FrontChoice:
        joint = self.models.joint
        leading = self._moments[self.models.weight >= 0.5]
        return FrontChoice(
            candidate=int(self.untried[place]),
            fidelity=fidelity,
            rate=rate,
            probability=0.0,
            expected=float(self._mean[place]) if expected is None else expected,
            cost=self.objective.cost,
            improvement=improvement,
            deviation=float(leading[1][place]),
            setback=setback,
            threshold=threshold,
            relative_cost=relative_cost,
            improvement_at_once=float(self.improvements[place]),
            agreement=joint.prior.agreement(joint.hyper_parameters, fidelity),
        )


def _moments(process: Process, inputs: Inputs) -> tuple[Array, Array]:
    mean, deviation = process.predict(inputs)
    return mean, np.maximum(deviation, np.sqrt(JITTER))


def _with_full(process: Process, low: Inputs, at_full: Inputs, bonus: Array) -> tuple[Array, Array, Array]:
    """Posterior mean and deviation of low-fidelity results, and their correlation with the scores, ``(k,)`` each."""
    t, prior = process.hyper_parameters, process.prior
    (mean, v), (_, v_of_full) = process.mean_and_v(low), process.mean_and_v(at_full)
    variance = np.maximum(prior.variance(t, low) - np.einsum("nk,nk->k", v, v), JITTER)
    of_full = np.maximum(prior.variance(t, at_full) - np.einsum("nk,nk->k", v_of_full, v_of_full), JITTER)
    covariance = prior.covariance_with_full(t, low) - np.einsum("nk,nk->k", v, v_of_full)
    correlation = np.clip(covariance / np.sqrt(variance * of_full), -HIGHEST_CORRELATION, HIGHEST_CORRELATION)
    return mean, np.sqrt(variance), np.tanh(np.arctanh(correlation) + bonus)
