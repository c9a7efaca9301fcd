"""mf_kd on histories by hand, and on problems with informative and useless low fidelities.

The synthetic problems say nothing of how good the strategy is on real ones; they say whether it does what it is for.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from mf_nas_kd.records import Architecture, Costs, Fidelity
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.search import Budget, Candidate, History, Observation, SearchProblem, build_strategy
from mf_nas_kd.search.evidence import PAYING, TRIAL
from mf_nas_kd.search.loop import search_steps
from tests.search.problems import CANDIDATES, FULL, LOW, observation, problem

PLENTY = Budget(1e9, 10_000)
SHORT = Fidelity(Fraction(1, 25), 5, distillation="kd")
"""A fiftieth of the passes of the target fidelity."""
ALSO_SHORT = Fidelity(Fraction(1, 25), 5, distillation="nst")


def propose(*seen, budget=PLENTY, seed=0, **fields):
    strategy = build_strategy("mf_kd", problem(**{"proposals_at_a_time": 1, **fields}), {"draws": 64})
    return strategy.propose(History(seen), budget, np.random.default_rng(seed))


class Synthetic:
    """Candidates whose accuracy is linear in a zero-cost proxy and four features, plus a term of their own.

    Args:
        agreements: Correlation of each low fidelity with the target fidelity.
        free: Correlation of the multiply-accumulates with the target fidelity.
        seed: Seed of everything.
        count: Number of candidates.
    """

    def __init__(self, agreements, free=0.5, seed=0, count=60):
        rng = np.random.default_rng(seed)
        features, predictor = rng.normal(size=(count, 4)), rng.normal(size=count)
        rest = np.sqrt(1 - free**2) * (0.6 * features @ np.full(4, 0.5) + 0.8 * rng.normal(size=count))
        quality = free * predictor + rest
        self._accuracies = {FULL: 0.7 + 0.03 * quality}
        for fidelity, r in agreements.items():
            self._accuracies[fidelity] = 0.4 + 0.05 * (r * quality + np.sqrt(1 - r**2) * rng.normal(size=count))
        candidates = tuple(
            Candidate(
                Architecture.of("synthetic", number=n), tuple(f), Costs(int(1e6 * np.exp(z)), int(1e4 * np.exp(z)))
            )
            for n, (f, z) in enumerate(zip(features.tolist(), predictor, strict=True))
        )
        self.problem = SearchProblem(candidates, FULL, tuple(agreements), 1, lambda _: (), ACCURACY)
        self.best = candidates[int(self._accuracies[FULL].argmax())].id

    def evaluate(self, proposals):
        return [
            Observation(
                proposal.candidate.id,
                proposal.fidelity,
                float(self._accuracies[proposal.fidelity][self.problem.index[proposal.candidate.id]]),
                float(proposal.fidelity.image_passes),
                proposal.candidate.macs,
                step=1,
            )
            for proposal in proposals
        ]

    def until_best(self, name="mf_kd", seed=0):
        """All steps of a search up to the high-fidelity evaluation of the best candidate."""
        strategy = build_strategy(name, self.problem, {"draws": 64} if name == "mf_kd" else {})
        steps = []
        for step in search_steps(strategy, History(), PLENTY, self.evaluate, seed):
            steps.append(step)
            if step.result.architecture_id == self.best and step.result.fidelity == FULL:
                return steps
        raise AssertionError("the search ended before the best was found")


SEEDS = range(16)


@cache
def searches(agreements=(), free=0.5, name="mf_kd"):
    """Steps to the best, on a problem for each seed; low fidelities do not change what else there is."""
    return [Synthetic(dict(agreements), free, seed).until_best(name, seed) for seed in SEEDS]


def mean_seconds(found):
    return np.mean([steps[-1].spent_seconds for steps in found])


def low_steps(steps, fidelity=None):
    return [s for s in steps if s.result.fidelity != FULL and fidelity in (None, s.result.fidelity)]


NONE, USELESS, INFORMATIVE = (), ((SHORT, 0.0),), ((SHORT, 0.95),)


def test_where_nothing_is_known_it_begins_with_the_most_macs():
    (first,) = propose()
    assert first.candidate == max(CANDIDATES, key=lambda c: c.macs)
    assert first.fidelity == FULL


def test_only_candidates_are_proposed():
    few = tuple(c for c in CANDIDATES if c.macs <= 120)
    strangers = [observation(c, f) for c in CANDIDATES[-3:] for f in (FULL, LOW)]
    (first,) = propose(*strangers, candidates=few)
    assert first.candidate == max(few, key=lambda c: c.macs)


@pytest.mark.parametrize("known", [(), tuple(observation(c, LOW, step=0) for c in CANDIDATES[::2])])
def test_the_first_that_is_charged_is_a_high_fidelity_evaluation(known):
    assert [p.fidelity for p in propose(*known)] == [FULL]


def test_low_fidelity_evaluations_keep_to_their_allowance():
    """Where they agree nearly perfectly, more than the trial is used."""
    dear = Fidelity(Fraction(1, 10), 10)
    most = []
    for seed in range(6):
        spent = {FULL: 0.0, dear: 0.0}
        for step in Synthetic({dear: 0.9}, seed=seed).until_best(seed=seed):
            spent[step.result.fidelity] += step.result.cost_seconds
            assert spent[dear] <= max(PAYING * spent[FULL], TRIAL * 10) + 1e-9
        most.append(spent[dear])
    assert max(most) > TRIAL * 10


def test_no_candidate_is_in_a_batch_twice():
    """A high-fidelity evaluation beside a low-fidelity one would not wait for its result."""
    informative = Synthetic({SHORT: 0.95})
    strategy = build_strategy("mf_kd", replace(informative.problem, proposals_at_a_time=4), {"draws": 64})
    histories = [step.history for step in informative.until_best()]
    batches = [strategy.propose(history, PLENTY, np.random.default_rng(0)) for history in histories]
    assert any(p.fidelity == SHORT for batch in batches for p in batch)
    assert all(len({p.candidate.id for p in batch}) == len(batch) for batch in batches)


def test_useless_low_fidelity_evaluations_cost_little():
    without, useless = searches(NONE), searches(USELESS)
    assert sum(len(low_steps(steps)) for steps in useless) > 0, "it has to try"
    assert mean_seconds(useless) < 1.5 * mean_seconds(without)


def test_informative_low_fidelity_evaluations_save_high_fidelity_ones():
    without, informative = searches(NONE), searches(INFORMATIVE)
    assert mean_seconds(informative) < 0.8 * mean_seconds(without)


def test_of_two_at_one_cost_the_informative_one_is_used_more():
    both = searches(((SHORT, 0.0), (ALSO_SHORT, 0.95)))
    used = {f: sum(len(low_steps(steps, f)) for steps in both) for f in (SHORT, ALSO_SHORT)}
    assert used[ALSO_SHORT] > used[SHORT]


@pytest.mark.parametrize(("free", "factor"), [(0.0, 1.1), (-0.5, 1.3)])
def test_macs_that_carry_no_information_or_mislead_do_little_harm(free, factor):
    assert mean_seconds(searches(NONE, free)) < factor * mean_seconds(searches(NONE, free, "random"))


def test_informative_macs_help():
    assert mean_seconds(searches(NONE)) < 0.7 * mean_seconds(searches(NONE, name="random"))


def test_reasons_have_the_numbers():
    steps = next(steps for steps in searches(INFORMATIVE) if low_steps(steps))
    for step in steps:
        reason, number = step.proposal.reason, r"\d+\.\d\d"
        if step.result.fidelity == FULL:
            assert re.match(
                rf"high-fidelity evaluation: probability of being the best {number}, predicted accuracy {number}\d* \+- ",
                reason,
            )
        else:
            assert re.match(
                rf"low-fidelity evaluation: a high-fidelity one only above {number}\d* would identify the best with ",
                reason,
            )
            assert re.search(
                rf"target fidelity {number}; (no low-fidelity evaluations yet|model weight of low fidelities {number})$",
                reason,
            )


def test_failed_evaluations_are_not_proposed_again():
    full = [observation(c, FULL, score=None) for c in CANDIDATES[6:]]
    short = [observation(c, LOW, score=None) for c in CANDIDATES]
    for seed in range(5):
        (only,) = propose(*full, *short, seed=seed)
        assert only.candidate in CANDIDATES[:6]
        assert only.fidelity == FULL


def test_where_everything_is_known_nothing_is_proposed():
    everything = [observation(c, f, step=0) for c in CANDIDATES for f in (FULL, LOW)]
    assert propose(*everything) == ()
    (last,) = propose(*(seen for seen in everything if seen.architecture_id != CANDIDATES[5].id))
    assert (last.candidate, last.fidelity) == (CANDIDATES[5], FULL)


@pytest.mark.parametrize("known", [0, 1, 8])
def test_several_proposals_are_different(known):
    seen = [observation(c, f) for c in CANDIDATES[:known] for f in (FULL, LOW)]
    proposals = propose(*seen, proposals_at_a_time=3)
    assert len({(p.candidate.id, p.fidelity) for p in proposals}) == 3


def test_equal_accuracies_and_equal_networks_are_no_obstacle():
    twins = tuple(Candidate(c.architecture, (1.0, 1.0), Costs(100, 10)) for c in CANDIDATES)
    equal = [observation(c, f, score=0.5) for c in twins[:8] for f in (FULL, LOW)]
    assert len(propose(*equal, candidates=twins)) == 1
