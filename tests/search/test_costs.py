"""Costs by hand: means of what was charged, and estimates for the rest."""

from dataclasses import replace
from fractions import Fraction

import pytest

from mf_nas_kd.records import Fidelity
from mf_nas_kd.search import History, Observation
from mf_nas_kd.search.usual_costs import remaining_shares, usual_costs
from tests.search.problems import CANDIDATES, FULL, LOW, observation, problem

NARROW = Fidelity(Fraction(1), 10, width=0.5)
PROBLEM = problem(low=(LOW, NARROW))
"""10 passes, 1 pass, and 10 passes of a quarter of the MACs."""


def seen(fidelity, seconds, place=0, **changes):
    return replace(observation(CANDIDATES[place], fidelity, **changes), cost_seconds=seconds)


def test_without_an_observation_costs_are_passes_times_the_square_of_the_width():
    assert usual_costs(PROBLEM, History()) == pytest.approx([10, 1, 2.5])


def test_what_was_charged_costs_its_mean_and_the_rest_in_proportion():
    history = History((seen(FULL, 30), seen(FULL, 50, place=1)))
    assert usual_costs(PROBLEM, history) == pytest.approx([40, 4, 10])


def test_a_guess_is_from_all_fidelities_together():
    """80 seconds for 20 passes of two full trainings and one of a short one, 85 / 21 a pass."""
    history = History((seen(FULL, 30), seen(FULL, 50, place=1), seen(LOW, 5)))
    assert usual_costs(PROBLEM, history) == pytest.approx([40, 5, 2.5 * 85 / 21])


def test_failed_evaluations_and_other_fidelities_say_nothing():
    foreign = Fidelity(Fraction(1, 3), 3)
    history = History((seen(FULL, 40), seen(FULL, 1, place=1, score=None), seen(foreign, 1000)))
    assert usual_costs(PROBLEM, history) == pytest.approx([40, 4, 10])
    assert usual_costs(PROBLEM, History((seen(FULL, 7, score=None),))) == pytest.approx([10, 1, 2.5])


def test_relative_costs_are_passes_times_the_square_of_the_width():
    assert [fidelity.relative_cost for fidelity in PROBLEM.fidelities] == [10.0, 1.0, 2.5]
    assert NARROW.relative_macs == 0.25


SIX, THREE, OTHER = (Fidelity(Fraction(1), 6), Fidelity(Fraction(1), 3), Fidelity(Fraction(1), 3, distillation="kd"))
CHAIN = replace(problem(low=(THREE, SIX, OTHER)), continuation=True)
"""10, 3 and 6 epochs of one training, and 3 of another one."""


def paused(fidelity, seconds, pause_seconds, place=0, **changes):
    return replace(seen(fidelity, seconds, place, **changes), pause_seconds=pause_seconds)


def test_a_training_continues_the_same_one_with_fewer_epochs():
    assert FULL.continues(SIX)
    assert SIX.continues(THREE)
    assert not any(FULL.continues(other) for other in (FULL, OTHER, LOW, replace(SIX, width=0.5)))
    assert not THREE.continues(SIX)


def test_the_expected_cost_is_marginal_where_a_training_is_continued():
    """Ten epochs are expected to take 100 s (0 standard deviations); of six, 42 s are saved, of three 21 s."""
    candidate, other = CANDIDATES[:2]
    history = History((paused(THREE, 30, 21.0), paused(SIX, 60, 42.0), seen(FULL, 100, place=1)))
    assert history.expected_cost(candidate, FULL) == pytest.approx(58)
    assert history.expected_cost(other, FULL) == pytest.approx(100)
    assert history.continued(candidate.id, FULL).fidelity == SIX
    assert history.continued(candidate.id, SIX).fidelity == THREE
    assert history.continued(other.id, FULL) is None
    assert history.saved_seconds(candidate.id, FULL) == 42
    assert history.saved_seconds(candidate.id, OTHER) == 0


def test_a_candidate_whose_trainings_take_longer_has_more_left():
    """Six epochs took it 120 s instead of 60 s, so that ten are expected to take 200 s, of which 84 s are saved."""
    history = History((paused(SIX, 120, 84.0), seen(SIX, 60, place=2), seen(FULL, 100, place=1)))
    assert history.expected_cost(CANDIDATES[0], FULL) == pytest.approx(200 - 84)


def test_shares_that_are_left_are_those_of_the_candidates_own_cost():
    """Its six epochs take 120 s where 90 s are usual, so that of its 400 / 3 s of ten epochs 84 s are saved."""
    history = History((paused(SIX, 120, 84.0), seen(SIX, 60, place=2), seen(FULL, 100, place=1)))
    shares = remaining_shares(CHAIN, history, usual_costs(CHAIN, history))
    assert shares[0] == pytest.approx([1 - 84 / (120 * 100 / 90), 1, 1, 1])
    assert (shares[1:] == 1).all()


def test_of_several_trainings_the_one_that_saves_most_is_continued():
    history = History((paused(SIX, 60, 42.0), paused(THREE, 30, 21.0), seen(FULL, 100, place=1)))
    shares = remaining_shares(CHAIN, history, usual_costs(CHAIN, history))
    assert shares[0] == pytest.approx([0.58, 1, 1 - 21 / 60, 1])


def test_what_is_reused_is_not_charged():
    evaluated = replace(paused(SIX, 60, 42.0), reused_seconds=21.0, lost_seconds=5.0)
    assert evaluated.charged_seconds == 44


def test_a_problem_that_does_not_continue_trainings_forgets_where_they_were_paused():
    evaluated = paused(SIX, 60, 42.0)
    assert Observation.of(evaluated, 1, CHAIN).pause_seconds == 42
    assert Observation.of(evaluated, 1, replace(CHAIN, continuation=False)).pause_seconds is None
