"""Do whatever finds the best candidate soonest: train it fully, or look first.

Everything that could be done next is given a rate: chance of finding the best candidate, divided by its price.

- Training a candidate fully finds the best with the chance that it is the best, at the price of a full training.
- Looking first (a cheaper evaluation, and a full training only if its result lies above a threshold) finds it with the
  chance that it is the best *and* passes, at the price of the look plus that of a full training times the chance to
  pass. The threshold is the one with the highest rate.

What has the highest rate is proposed. A full training after a look is simply the next proposal, if it still has it.

The chances come from draws of a Gaussian process (:mod:`mf_nas_kd.surrogates.many_fidelities`). It sees features, free
predictors and all evaluations, and learns from candidates with several of them how much each fidelity tells. A process
may be wrong about that. So it shares the decision with a second one, which sees full trainings only: evenly, and less
where looks made the full trainings that followed more of a surprise.

A fidelity of which little is known has the benefit of the doubt: it is valued as if it agreed with full training by one
standard deviation better than expected. In turn, all looks together may cost only a quarter of what full trainings have
cost: this is what a search can lose by useless looks.

References:
    Kadane (1971). Optimal Whereabouts Search. Operations Research 19: the order by chance over cost finds soonest.
    Thompson (1933). On the likelihood that one unknown probability exceeds another. Biometrika 25: the chance to be the
    best.
    Hoeting, Madigan, Raftery, Volinsky (1999). Bayesian Model Averaging: A Tutorial. Statistical Science 14.
    Ginsbourger, Le Riche, Carraro (2010): the kriging believer for several proposals at a time.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt
from scipy.special import expit, ndtr, ndtri

from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.evidence import evidence
from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.prices import usual_prices
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.strategy import Options, Proposal, Strategy, leaving_a_full_training, within
from mf_nas_kd.surrogates import GaussianProcess, Inputs, ManyFidelitiesPrior
from mf_nas_kd.surrogates.many_fidelities import AGREEMENT_SPREAD

Array = NDArray[np.floating]

SHORTLIST = 300  # candidates at most whose chances are drawn: those with the highest bounds
LOOKED_AT = 20  # candidates at most for which looks are considered: those with the highest chances
PASS_RATES = np.arange(1, 16) / 16  # chances to pass that are considered for thresholds
HIGHEST_AGREEMENT = 0.99  # of a look with a full training, before the doubt
ALLOWANCE = 0.25  # of looks, in what full trainings have cost
JITTER = 1e-9


class MultiFidelityOptions(Options):
    """Options of :class:`MultiFidelity`.

    Attributes:
        draws: Of the candidates' accuracies. A chance below one in so many counts as none.
    """

    draws: PositiveInt


@dataclass(frozen=True)
class Choice:
    """What to do next.

    Attributes:
        place: Of the candidate.
        fidelity: Number of the fidelity.
        rate: Chance of finding the best, a second.
        expected: Mean of what the evaluation will give.
        reason: Why, with numbers.
    """

    place: int
    fidelity: int
    rate: float
    expected: float
    reason: str


class MultiFidelity(Strategy):
    """The highest rate of finding the best candidate, over candidates, fidelities and distillation recipes."""

    Options = MultiFidelityOptions
    options: MultiFidelityOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem = self.problem
        proposals: list[Proposal] = []
        believed = history
        for _ in range(problem.proposals_at_a_time):
            # A training beside a look at the same candidate would not wait for what the look says.
            busy = {proposal.candidate.id for proposal in proposals}
            situation = Situation.of(problem, believed, busy, self.options.draws, rng)
            if situation is None:
                break
            choice = situation.train()
            look = situation.look()
            if look is not None and look.rate > choice.rate:
                looks = [*proposals, self._proposal(look)]
                if len(within(leaving_a_full_training(problem, history, budget), history, looks)) == len(looks):
                    choice = look
            proposals.append(self._proposal(choice))
            believed = believed.with_(situation.as_expected(choice))
        return within(budget, history, proposals)

    def _proposal(self, choice: Choice) -> Proposal:
        problem = self.problem
        return Proposal(problem.candidates[choice.place], problem.fidelities[choice.fidelity], choice.reason)


class Situation:
    """What is believed of all candidates, given a history.

    Args:
        problem: Candidates and fidelities.
        history: What is known.
        untried: Places of the candidates that were not trained fully, at least one.
        draws: Of the candidates' accuracies.
        rng: Of the draws.
    """

    def __init__(
        self, problem: SearchProblem, history: History, untried: NDArray[np.intp], draws: int, rng: np.random.Generator
    ) -> None:
        self._problem = problem
        self._history = history
        self.prices = usual_prices(problem, history)
        relative = self.prices / self.prices[0]
        self._plain = _process(relative, *evidence(problem, history, (0,)))
        inputs, values = evidence(problem, history)
        self._joint = _process(relative, inputs, values) if (inputs.fidelity > 0).any() else self._plain
        self._trust = float(expit(min(self._lesson(inputs, values), 0)))
        paid = [sum(s.cost_seconds for s in history.paid(f)) for f in problem.fidelities]
        self._allowance = ALLOWANCE * paid[0] - sum(paid[1:])
        full, *_ = known = [inputs.who[inputs.fidelity == number] for number in range(len(problem.fidelities))]
        pairs = np.array([len(np.intersect1d(full, others)) for others in known])
        self._doubt = 1 / np.sqrt(AGREEMENT_SPREAD**-2 + pairs)  # of Fisher's z

        bounds = np.sum(self._joint.predict(problem.inputs[untried]), axis=0) if len(untried) > SHORTLIST else untried
        self._places = untried[np.sort(np.argsort(-bounds, kind="stable")[:SHORTLIST])]
        noise = rng.standard_normal((len(self._places), draws))
        self._without = Draws(self._plain, problem.inputs[self._places], noise)
        self._with = (
            self._without if self._joint is self._plain else Draws(self._joint, problem.inputs[self._places], noise)
        )
        self._chances = self._mixed(self._without.chances, self._with.chances)
        self._means = self._mixed(self._without.mean, self._with.mean)
        # Among candidates that were the best in no draw, the higher mean comes first.
        self._order = np.lexsort((-self._means, -self._chances))

    @classmethod
    def of(
        cls, problem: SearchProblem, history: History, busy: Set[str], draws: int, rng: np.random.Generator
    ) -> Situation | None:
        """Leaves out the candidates that are ``busy``; None if all others were trained fully."""
        tried = history.tried(problem.full) | busy
        untried = np.array([place for name, place in problem.place.items() if name not in tried], dtype=int)
        return cls(problem, history, untried, draws, rng) if len(untried) else None

    def train(self) -> Choice:
        """The full training with the highest rate."""
        best = self._order[0]
        chance, price = self._chances[best], self.prices[0]
        _, deviation = (self._plain if self._trust < 0.5 else self._joint).predict(
            self._problem.inputs[self._places[[best]]]
        )
        reason = (
            f"trained fully: the best with a chance of {chance:.2f}, "
            f"expected {self._means[best]:.4f} +- {deviation[0]:.4f}; {self._about_trust()}"
        )
        return Choice(int(self._places[best]), 0, chance / price, float(self._means[best]), reason)

    def look(self) -> Choice | None:
        """The look with the highest rate; None where there is nothing to look at."""
        pairs = [
            (place, number)
            for number, fidelity in enumerate(self._problem.fidelities[1:], start=1)
            for tried in [self._history.tried(fidelity)]
            for place in self._order[:LOOKED_AT]
            if self._problem.candidates[self._places[place]].id not in tried and self.prices[number] <= self._allowance
        ]
        if not pairs or len(self._places) < 2:
            return None
        seen, numbers = (np.array(column, dtype=int) for column in zip(*pairs, strict=True))
        what = self._problem.inputs[self._places[seen]]
        what = Inputs(what.features, what.free, what.who, numbers)
        expected, thresholds, found = self._with.best_and_above(seen, what, self._doubt[numbers])
        chance = self._mixed(self._without.chances[seen][:, None] * PASS_RATES, found)
        price = self.prices[numbers][:, None] + PASS_RATES * self.prices[0]
        pair, threshold = np.unravel_index(np.argmax(chance / price), chance.shape)
        number = int(numbers[pair])
        reason = (
            f"looked at first: going on only above {thresholds[pair, threshold]:.4f} finds the best with a "
            f"chance of {chance[pair, threshold]:.2f} for {price[pair, threshold] / self.prices[0]:.2f} of a full "
            f"training, instead of {self._chances[seen[pair]]:.2f} for 1; this fidelity agrees to "
            f"{self._joint.prior.agreement(self._joint.hyper_parameters, number):.2f}, {self._about_trust()}"
        )
        rate = float(chance[pair, threshold] / price[pair, threshold])
        return Choice(int(self._places[seen[pair]]), number, rate, float(expected[pair]), reason)

    def as_expected(self, choice: Choice) -> Observation:
        """The observation, if the choice gives and costs what is expected."""
        candidate, number = self._problem.candidates[choice.place], choice.fidelity
        fidelity, price = self._problem.fidelities[number], float(self.prices[number])
        return Observation(candidate.id, fidelity, choice.expected, price, candidate.macs, step=len(self._history) + 1)

    def _lesson(self, inputs: Inputs, values: Array) -> float:
        """By how much the looks made the full trainings more likely: logarithm of the ratio; 0 without looks."""
        cheap = inputs.fidelity > 0
        if self._joint is self._plain or cheap.all():
            return 0.0
        alone = GaussianProcess(self._joint.prior).condition(self._joint.hyper_parameters, inputs[cheap], values[cheap])
        return self._joint.log_likelihood - alone.log_likelihood - self._plain.log_likelihood

    def _mixed(self, without: Array, with_looks: Array) -> Array:
        return (1 - self._trust) * without + self._trust * with_looks

    def _about_trust(self) -> str:
        return "no looks yet" if self._joint is self._plain else f"looks are trusted to {self._trust:.2f}"


class Draws:
    """Accuracies at full fidelity, drawn from a process for several candidates together.

    Attributes:
        mean: ``(m,)``.
        best: ``(m, draws)``, 1 where the candidate is the best of the draw, else 0.
        chances: ``(m,)``, how often.
    """

    def __init__(self, process: GaussianProcess, inputs: Inputs, noise: Array) -> None:
        self._process = process
        self._inputs = inputs
        self.mean, self._half = process.mean_and_half(inputs)
        covariance = process.prior.covariance(process.hyper_parameters, inputs, inputs) - self._half.T @ self._half
        self._variance = np.diag(covariance)
        self._values = self.mean[:, None] + np.linalg.cholesky(covariance + JITTER * np.eye(len(inputs))) @ noise
        self.best = np.zeros_like(self._values)
        self.best[self._values.argmax(axis=0), np.arange(noise.shape[1])] = 1
        self.chances = self.best.mean(axis=1)

    def best_and_above(self, which: NDArray[np.intp], what: Inputs, doubt: Array) -> tuple[Array, Array, Array]:
        """Chances that a candidate is the best and that the result of a look lies above a threshold.

        Given a draw, the result is normal: only the draws in which the candidate is the best are needed, and no further
        ones.

        Args:
            which: ``(k,)``, positions among the candidates.
            what: ``(k,)``, the same candidates at the fidelities of the looks.
            doubt: ``(k,)``, added to the agreement of look and full training, on the scale of Fisher's z.

        Returns:
            Expected results ``(k,)``; thresholds that are passed with the chances ``PASS_RATES``, ``(k, thresholds)``;
            chances ``(k, thresholds)``.
        """
        process = self._process
        t, prior = process.hyper_parameters, process.prior
        mean, half = process.mean_and_half(what)
        variance = np.maximum(prior.variance(t, what) - np.einsum("nk,nk->k", half, half), JITTER)
        together = prior.covariance_with_full(t, what) - np.einsum("nk,nk->k", half, self._half[:, which])
        agreement = np.clip(together / np.sqrt(variance * self._variance[which]), -HIGHEST_AGREEMENT, HIGHEST_AGREEMENT)
        agreement = np.tanh(np.arctanh(agreement) + doubt)
        slope = agreement * np.sqrt(variance / self._variance[which])
        rest = np.sqrt(variance * (1 - agreement**2))
        thresholds = mean[:, None] + np.sqrt(variance)[:, None] * ndtri(1 - PASS_RATES)

        look, draw = np.nonzero(self.best[which])
        away = self._values[which[look], draw] - self.mean[which[look]]
        above = ndtr(((mean[look] + slope[look] * away)[:, None] - thresholds[look]) / rest[look, None])
        chances = np.zeros_like(thresholds)
        np.add.at(chances, look, above)
        return mean, thresholds, chances / self._values.shape[1]


def _process(prices: Array, inputs: Inputs, values: Array) -> GaussianProcess:
    seen = [int(number) for number in np.unique(inputs.fidelity) if number > 0]
    return GaussianProcess(ManyFidelitiesPrior(prices, seen)).fit(inputs, values)
