"""Costs by hand: means of what was charged, and estimates for the rest."""

from dataclasses import replace
from fractions import Fraction

import pytest

from mf_nas_kd.records import Fidelity
from mf_nas_kd.search import History
from mf_nas_kd.search.usual_costs import usual_costs
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
