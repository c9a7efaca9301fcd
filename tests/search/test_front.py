"""The Pareto front as objective: the acquisition against random numbers, and searches that end with a front."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Fidelity
from mf_nas_kd.search import Budget, FrontObjective, History, build_strategy, run_search
from mf_nas_kd.search.acquisition import HIGHEST_CORRELATION
from mf_nas_kd.search.evidence import PAYING
from mf_nas_kd.search.front_acquisition import FrontAcquisition
from mf_nas_kd.search.front_costs import expected_costs
from mf_nas_kd.search.hypervolume import ReferencePoint, hypervolume
from mf_nas_kd.search.loop import search_steps
from mf_nas_kd.search.mf_kd import acquisition_of
from mf_nas_kd.search.strategy import Proposal
from mf_nas_kd.search.usual_costs import usual_costs
from tests.search.problems import CANDIDATES, FULL, LOW, evaluate, observation, on_front, problem
from tests.search.test_mf_kd import Synthetic

PLENTY = Budget(1e9, 10_000)
SHORTER = Fidelity(Fraction(1), 6)
SOME = History(
    tuple(observation(c, FULL) for c in CANDIDATES[::5]) + tuple(observation(c, LOW) for c in CANDIDATES[1::4])
)


def acquisition(history=SOME, the_problem=None):
    return acquisition_of(the_problem or on_front(problem(1)), history, set(), 64, np.random.default_rng(0))


def propose(*seen, budget=PLENTY, **fields):
    strategy = build_strategy("mf_kd", on_front(problem(**{"proposals_at_a_time": 1, **fields})), {"draws": 64})
    return strategy.propose(History(seen), budget, np.random.default_rng(0))


def test_the_objective_chooses_the_acquisition():
    assert isinstance(acquisition(), FrontAcquisition)
    assert not isinstance(acquisition(the_problem=problem(1)), FrontAcquisition)


def test_the_improvement_of_a_plan_is_the_mean_over_joint_draws():
    """Of score and low-fidelity result, drawn together from the joint model; no bonus."""
    found = acquisition()
    places, draws = np.array([2, 4, 12]), 40_000
    tried = found.history.tried(LOW)
    assert not any(CANDIDATES[found.untried[place]].id in tried for place in places)
    expected, thresholds, by_plan = found._improvement_above(places, np.ones(3, dtype=int), np.zeros(3))
    process, indices = found.models.joint, found.untried[places]
    inputs = found.problem.inputs[np.repeat(indices, 2)]
    both = replace(inputs, fidelity=np.tile([0, 1], 3))
    mean, v = process.mean_and_v(both)
    covariance = process.prior.covariance(process.hyper_parameters, both, both) - v.T @ v
    normal = np.random.default_rng(1).standard_normal((6, draws))
    for n, index in enumerate(indices):
        block = slice(2 * n, 2 * n + 2)
        of_pair = covariance[block, block]
        assert abs(of_pair[0, 1] / np.sqrt(of_pair[0, 0] * of_pair[1, 1])) < HIGHEST_CORRELATION
        drawn = mean[block, None] + np.linalg.cholesky(of_pair) @ normal[block]
        improvement = found.staircase.improvement(found.log_costs[[index]], drawn[:1])[0]
        for t in (2, 7, 14):
            value = improvement * (drawn[1] > thresholds[n, t])
            assert by_plan[n, t] == pytest.approx(value.mean(), abs=4.5 * value.std() / np.sqrt(draws) + 1e-9, rel=0.02)
    assert expected == pytest.approx(mean[1::2])


def test_a_plan_that_always_goes_on_improves_as_much_as_going_on_at_once():
    found = acquisition()
    places = np.arange(len(found.untried))
    places = places[[CANDIDATES[index].id not in found.history.tried(LOW) for index in found.untried]]
    _, _, by_plan = found._improvement_above(places, np.ones_like(places), np.zeros(len(places)))
    at_once = found._improvements(found.models.joint)[places]
    assert (by_plan <= at_once[:, None] * 1.01 + 1e-12).all()
    assert by_plan[:, -1] == pytest.approx(at_once, rel=0.2, abs=1e-6)  # 15 of 16 results pass


def test_the_proposal_has_the_highest_improvement_per_second():
    (first,) = propose(*SOME, low=())
    found = acquisition(the_problem=on_front(problem(1, low=())))
    rates = found.improvements / found.costs[:, 0]
    assert first.candidate == CANDIDATES[found.untried[np.argmax(rates)]]
    assert first.fidelity == FULL
    assert "expected hypervolume improvement" in first.reason
    assert "front of accuracy and macs" in first.reason


def test_what_is_known_and_dominated_improves_nothing():
    """Two candidates that differ in cost only: where the cheaper one is known, the other has little to add."""
    cheap, costly = CANDIDATES[0], replace(CANDIDATES[0], architecture=CANDIDATES[-1].architecture)
    twice = replace(costly, costs=replace(costly.costs, macs=2 * cheap.macs))
    other = CANDIDATES[20]
    the_problem = on_front(problem(1, candidates=(cheap, twice, other), low=()))
    found = acquisition(History(tuple(observation(cheap, FULL, score=0.99) for _ in range(1))), the_problem)
    assert found.staircase.expected_improvement(
        found.log_costs[1:2], np.array([0.9]), np.array([1e-6])
    ) == pytest.approx(0)


def test_it_finds_more_of_the_front_than_chance():
    """Twelve full trainings of 60 candidates whose accuracy rises with MACs and features, mean over four problems."""

    def share(synthetic, name, options):
        the_problem = on_front(synthetic.problem)
        strategy, seen = build_strategy(name, the_problem, options), []
        for step in search_steps(strategy, History(), Budget(1e9, 12), synthetic.evaluate, 0):
            seen.append(step.result)
        log_costs = np.log([c.macs for c in the_problem.candidates])
        scores = np.array(
            [s.score for s in synthetic.evaluate([Proposal(c, FULL, "") for c in the_problem.candidates])]
        )
        found, reference = (
            [the_problem.index[s.architecture_id] for s in seen],
            ReferencePoint.beyond(log_costs, scores),
        )
        return hypervolume(log_costs[found], scores[found], reference) / hypervolume(log_costs, scores, reference)

    problems = [Synthetic({}, free=0.7, seed=seed) for seed in range(4)]
    ours, chance = (
        np.mean([share(each, *named) for each in problems]) for named in (("mf_kd", {"draws": 64}), ("random", {}))
    )
    assert ours > chance + 0.05


def test_low_fidelities_keep_their_allowance():
    the_problem = on_front(problem(1))
    strategy = build_strategy("mf_kd", the_problem, {"draws": 64})
    trace = run_search("mf_kd", strategy, the_problem, (), Budget(120, 1000), evaluate, 0, 0).trace
    low = trace[trace["train_fraction"] < 1]["cost_seconds"].sum()
    assert low <= PAYING * trace[trace["train_fraction"] == 1]["cost_seconds"].sum()


def test_a_cost_that_was_not_measured_is_refused():
    values = {c.id: 1.0 for c in CANDIDATES[1:]}
    with pytest.raises(InvalidValueError, match="candidates whose latency_ms was not measured.*1 of 36"):
        replace(problem(), objective=FrontObjective("latency_ms", values))


def test_a_strategy_that_knows_no_fronts_is_refused():
    with pytest.raises(InvalidValueError, match="search.objective.*front.*accuracy with hf_gp.*random, mf_kd"):
        build_strategy("hf_gp", on_front(problem()), {})


def test_larger_networks_are_expected_to_cost_more():
    """Without observations by the square root of the MACs; with them as they did."""
    the_problem = problem(low=())
    macs = np.array([c.macs for c in CANDIDATES])

    def slope(history):
        costs = expected_costs(the_problem, history, usual_costs(the_problem, history))[:, 0]
        return np.polyfit(np.log(macs), np.log(costs), 1)[0]

    assert slope(History()) == pytest.approx(0.5)
    wide = [replace(observation(c, FULL), macs=10**n, cost_seconds=7.0 * 10**n) for n, c in enumerate(CANDIDATES[:4])]
    assert slope(History(tuple(wide))) == pytest.approx(1, abs=0.01)


def test_a_training_that_continues_another_one_costs_what_is_left():
    """Six of its ten epochs are paid, of which seven tenths are saved."""
    the_problem = replace(on_front(problem(1, low=(SHORTER,))), continuation=True)
    paused = replace(observation(CANDIDATES[8], SHORTER), pause_seconds=0.7 * float(SHORTER.image_passes))
    found = acquisition(SOME.with_(paused), the_problem)
    place = list(found.untried).index(8)
    from_scratch = acquisition(SOME, the_problem).costs[place, 0]
    assert found.costs[place, 0] == pytest.approx(from_scratch * (1 - 0.7 * 0.6), rel=0.05)
