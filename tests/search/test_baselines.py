"""What successive halving and regularised evolution do, on histories written by hand."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from mf_nas_kd.records import Costs, Fidelity, Metrics
from mf_nas_kd.search import Budget, Candidate, History, build_strategy, run_search
from mf_nas_kd.search.hyperband import bracket_size
from mf_nas_kd.search.ladder import Ladder
from mf_nas_kd.search.neighbours import Neighbours
from mf_nas_kd.search.rungs import rungs
from mf_nas_kd.spaces.nas_bench_201 import NASBench201Choices, NASBench201Space
from tests.search.problems import CANDIDATES, FULL, LOW, OPTIONS, evaluate, observation, problem

PLENTY = Budget(1e9, 10_000)
THIRD = Fidelity(Fraction(1, 3), 9, distillation="kd")
NST = Fidelity(Fraction(1, 27), 9, distillation="nst")
HALVING = {"initial_candidates": 9, "reduction_factor": 3}


def ask(name, history, options=None, budget=PLENTY, seed=0, **fields):
    strategy = build_strategy(name, problem(**{"proposals_at_a_time": 9, **fields}), options or OPTIONS[name])
    return strategy.propose(history, budget, np.random.default_rng(seed))


def halving(history, low=(THIRD, LOW), **fields):
    return ask("successive_halving", history, HALVING, low=low, **fields)


def names(proposals):
    return [proposal.candidate.id for proposal in proposals]


def at(fidelity, accuracies, step=1):
    """Observations of the first candidates, in their order."""
    return [
        observation(c, fidelity, step, score=a) for c, a in zip(CANDIDATES[: len(accuracies)], accuracies, strict=True)
    ]


NINE = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5]


@pytest.mark.parametrize("low", [(LOW,), (), (THIRD, NST, LOW)])
@pytest.mark.parametrize("name", ["successive_halving", "hyperband", "asynchronous_halving", "regularised_evolution"])
@pytest.mark.parametrize("failing", [0, 3])
def test_the_search_goes_on_until_every_candidate_was_trained_fully(name, low, failing):
    """Also where every third training fails, short ones and full ones, and where there are no short ones."""

    def sometimes(requests):
        done = evaluate(requests)
        return [
            replace(e, status="failed", metrics=Metrics(), error="out of memory")
            if failing and int(e.architecture.id, 16) % failing == 0
            else e
            for e in done
        ]

    the_problem = problem(2, low=low)
    strategy = build_strategy(name, the_problem, OPTIONS[name])
    trace = run_search(name, strategy, the_problem, (), PLENTY, sometimes, 0, 0).trace
    full = trace[trace["train_fraction"] == 1]
    assert sorted(full["architecture_id"]) == sorted(the_problem.by_id)


def test_rungs_are_of_one_method_by_price():
    narrow = replace(THIRD, width=0.5)
    assert rungs(problem(low=()), History()) == (FULL,)
    assert rungs(problem(low=(NST, THIRD, LOW)), History()) == (LOW, THIRD, FULL), "the method with the most rungs"
    assert rungs(problem(low=(NST, LOW)), History()) == (NST, FULL), "of several, the configuration's first"
    assert rungs(problem(low=(THIRD, LOW, narrow)), History()) == (narrow, LOW, THIRD, FULL), "0.75, 1 and 3 passes"


def test_what_was_known_before_decides_whose_rungs_are_used():
    accuracies = [0.1, 0.2, 0.3, 0.4, 0.5]
    known = at(FULL, accuracies, step=0) + at(NST, accuracies, step=0) + at(LOW, accuracies[::-1], step=0)
    several = problem(low=(THIRD, LOW, NST))
    assert rungs(several, History(tuple(known))) == (NST, FULL)
    paid = [replace(seen, step=1) for seen in known]
    assert rungs(several, History(tuple(paid))) == (LOW, THIRD, FULL), "charged evaluations change nothing"


def test_a_bracket_is_filled_before_anything_is_promoted():
    entered = History(tuple(at(LOW, NINE[:7])))
    proposals = halving(entered)
    assert len(proposals) == 2
    assert {p.fidelity for p in proposals} == {LOW}
    assert not set(names(proposals)) & entered.tried(LOW)
    assert "from 29 candidates for a bracket of 9 that has 7 members" in proposals[0].reason


def test_a_third_goes_on_to_each_next_rung():
    seen = at(LOW, NINE)
    second = halving(History(tuple(seen)))
    assert {p.fidelity for p in second} == {THIRD}
    assert names(second) == [CANDIDATES[i].id for i in (1, 3, 5)]
    assert "rank 1 of 9 with 0.9000 at rung 1 of 3, from which 3 of this bracket of 9 are promoted" in second[0].reason
    seen += [observation(CANDIDATES[i], THIRD, score=a) for i, a in ((1, 0.5), (3, 0.7))]
    assert names(halving(History(tuple(seen)))) == [CANDIDATES[5].id], "a rung is finished first"
    seen.append(observation(CANDIDATES[5], THIRD, score=0.6))
    (last,) = halving(History(tuple(seen)))
    assert (last.candidate, last.fidelity) == (CANDIDATES[3], FULL)
    seen.append(observation(CANDIDATES[3], FULL))
    fresh = halving(History(tuple(seen)))
    assert len(fresh) == 9
    assert {p.fidelity for p in fresh} == {LOW}
    assert not set(names(fresh)) & {c.id for c in CANDIDATES[:9]}


def test_the_second_bracket_is_decided_among_its_own_members():
    """Its best are worse than all of the first bracket's, and go on nevertheless."""
    seen = at(LOW, NINE + [a / 100 for a in NINE])
    seen += [observation(CANDIDATES[i], THIRD, score=0.5) for i in (1, 3, 5)] + [observation(CANDIDATES[1], FULL)]
    assert names(halving(History(tuple(seen)))) == [CANDIDATES[9 + i].id for i in (1, 3, 5)]


def test_what_was_known_before_is_a_member_for_free():
    longer = [observation(CANDIDATES[i], THIRD, step=0) for i in (1, 3)]
    known = [*at(LOW, NINE, step=0), *longer]
    assert names(halving(History(tuple(known)))) == [CANDIDATES[5].id]


def test_a_failed_short_training_is_not_promoted_before_one_that_finished():
    seen = at(LOW, [None] * 6 + [0.1, 0.2, 0.3])
    assert names(halving(History(tuple(seen)))) == [CANDIDATES[i].id for i in (8, 7, 6)]


def test_who_was_trained_fully_before_does_not_enter():
    known = at(FULL, [0.5] * 34, step=0)
    assert set(names(halving(History(tuple(known))))) == {c.id for c in CANDIDATES[34:]}


def test_when_all_have_entered_the_rest_is_one_bracket():
    everyone = [observation(c, LOW, score=i / 100) for i, c in enumerate(CANDIDATES)]
    bracket = [[*everyone[9 * k : 9 * k + 9]] for k in range(4)]
    done = [observation(CANDIDATES[9 * k + i], THIRD, score=0.5 + i / 100) for k in range(4) for i in (6, 7, 8)]
    done += [observation(CANDIDATES[9 * k + 8], FULL) for k in range(4)]
    rest = halving(History((*(seen for members in bracket for seen in members), *done)))
    assert {p.fidelity for p in rest} == {THIRD}
    assert "of 32 with 0.3200 at rung 1 of 3, from which 10 of this bracket of 32 are promoted" in rest[0].reason
    assert names(rest) == [CANDIDATES[i].id for i in (32, 31, 30, 29, 28, 27)], (
        "of the best 10, four are known at 1/3 already"
    )


def test_a_budget_that_affords_no_low_fidelity_evaluation_trains_those_of_the_highest_rung():
    seen = [*at(LOW, NINE), observation(CANDIDATES[3], THIRD, score=0.2)]
    (full,) = halving(History(tuple(seen)), budget=Budget(1e9, 1), proposals_at_a_time=1)
    assert (full.candidate, full.fidelity) == (CANDIDATES[3], FULL)
    assert "the budget does not afford another low-fidelity evaluation" in full.reason


NINTH, THIRDS = Fidelity(Fraction(1, 9), 10), Fidelity(Fraction(1, 3), 10)
"""10/9 and 10/3 passes, where the target fidelity has 10: the reduction factor is 3."""


def hyperband(history, low=(NINTH, THIRDS), **fields):
    return ask("hyperband", history, {}, low=low, **fields)


def asynchronous(history, low=(NINTH, THIRDS), **fields):
    return ask("asynchronous_halving", history, {}, low=low, **fields)


def test_hyperband_has_the_brackets_of_the_paper():
    """R = 9 and eta = 3: 9 candidates at 1/9, ceil(3/2 * 3) = 5 at 1/3, and 3 at the target fidelity."""
    ladder = Ladder.of(problem(low=(NINTH, THIRDS)), History())
    assert [bracket_size(ladder, first) for first in range(3)] == [9, 5, 3]


def test_hyperband_begins_brackets_at_higher_rungs():
    seen = at(NINTH, NINE)
    assert names(hyperband(History(tuple(seen)))) == [CANDIDATES[i].id for i in (1, 3, 5)]
    seen += [observation(CANDIDATES[i], THIRDS, score=a) for i, a in ((1, 0.5), (3, 0.7), (5, 0.6))]
    assert [(p.candidate, p.fidelity) for p in hyperband(History(tuple(seen)))] == [(CANDIDATES[3], FULL)]
    seen.append(observation(CANDIDATES[3], FULL))
    second = hyperband(History(tuple(seen)))
    assert [p.fidelity for p in second] == [THIRDS] * 5
    assert not set(names(second)) & {c.id for c in CANDIDATES[:9]}
    assert "a bracket of 5 that begins at rung 2 of 3 and has 0 members" in second[0].reason
    seen += [observation(c, THIRDS, score=i / 20) for i, c in enumerate(CANDIDATES[9:14])]
    assert [(p.candidate, p.fidelity) for p in hyperband(History(tuple(seen)))] == [(CANDIDATES[13], FULL)]
    seen.append(observation(CANDIDATES[13], FULL))
    assert [p.fidelity for p in hyperband(History(tuple(seen)))] == [FULL] * 3
    seen += [observation(c, FULL) for c in CANDIDATES[14:17]]
    assert [p.fidelity for p in hyperband(History(tuple(seen)))] == [NINTH] * 9, "and again"


def test_a_candidate_is_promoted_as_soon_as_it_is_among_the_best_third():
    assert {p.fidelity for p in asynchronous(History(tuple(at(NINTH, NINE[:2]))))} == {NINTH}
    first, *others = asynchronous(History(tuple(at(NINTH, NINE[:3]))))
    assert (first.candidate, first.fidelity) == (CANDIDATES[1], THIRDS)
    assert "rank 1 of 3 with 0.9000 at rung 1 of 3, of which the best 1 are promoted" in first.reason
    assert {p.fidelity for p in others} == {NINTH}, "the others enter meanwhile"
    assert not set(names(others)) & {c.id for c in CANDIDATES[:3]}


def test_the_highest_rung_is_promoted_from_first():
    seen = [*at(NINTH, NINE), *(observation(CANDIDATES[i], THIRDS, score=a) for i, a in ((1, 0.5), (3, 0.7), (5, 0.6)))]
    first, second = asynchronous(History(tuple(seen)))[:2]
    assert (first.candidate, first.fidelity) == (CANDIDATES[3], FULL)
    assert second.fidelity == NINTH, "the best third of the lowest rung is promoted already"


@pytest.mark.parametrize("name", ["successive_halving", "hyperband", "asynchronous_halving"])
def test_where_trainings_continue_the_rungs_are_those_of_one_training(name):
    chain = Fidelity(Fraction(1), 3), Fidelity(Fraction(1), 5)
    continuing = replace(problem(9, low=(LOW, *chain)), continuation=True)
    assert rungs(continuing, History()) == (*chain, FULL)
    assert LOW in rungs(replace(continuing, low=(LOW,)), History())
    seen = [replace(o, pause_seconds=2.0) for o in at(chain[0], NINE)]
    strategy = build_strategy(name, continuing, HALVING if name == "successive_halving" else {})
    proposals = strategy.propose(History(tuple(seen)), PLENTY, np.random.default_rng(0))
    promoted = next(p for p in proposals if p.fidelity == chain[1])
    assert promoted.candidate == CANDIDATES[1]
    assert promoted.reason.endswith("; continues the training of 3 epochs, which saves 2.0 s")


def evolve(history, population=4, sample=50, seed=0, **fields):
    options = {"population_size": population, "sample_size": sample}
    return ask("regularised_evolution", history, options, seed=seed, **fields)


def grid(x, y):
    return CANDIDATES[6 * x + y]


def test_the_population_begins_at_random():
    proposals = evolve(History(tuple(at(FULL, [0.5, None]))), proposals_at_a_time=9)
    assert len(proposals) == 3, "the failed one was not born"
    assert all("drawn at random" in p.reason for p in proposals)


def test_a_child_is_a_neighbour_of_the_best():
    """With a sample of 50 out of 4, the best is in it."""
    best = grid(2, 3)
    corners = [observation(grid(x, y), FULL, score=0.1) for x, y in ((0, 0), (5, 5), (0, 5))]
    history = History((*corners, observation(best, FULL, score=0.8)))
    near = {grid(x, y).id for x, y in ((1, 3), (3, 3), (2, 2), (2, 4))}
    children = [evolve(history, seed=seed, proposals_at_a_time=1)[0] for seed in range(40)]
    assert set(names(children)) == near
    assert f"one of the 4 untried candidates nearest to {best.id}, which has 0.8000" in children[0].reason
    together = evolve(history, proposals_at_a_time=4)
    assert set(names(together)) == near, "no child twice"
    tried = history.with_(*(observation(p.candidate, FULL, score=0.0) for p in together))
    diagonal = {grid(x, y).id for x, y in ((1, 2), (3, 2), (1, 4), (3, 4))}
    assert {evolve(tried, population=8, seed=seed)[0].candidate.id for seed in range(40)} == diagonal


def test_the_oldest_dies_however_good():
    champion = observation(grid(0, 0), FULL, score=0.9)
    younger = [observation(grid(x, 5), FULL, score=x / 10) for x in (2, 3, 5)]
    assert "nearest to " + grid(0, 0).id in evolve(History((champion, *younger)))[0].reason
    fourth = observation(grid(3, 0), FULL, score=0.01)
    (child, *_) = evolve(History((champion, *younger, fourth)))
    assert f"nearest to {grid(5, 5).id}, which has 0.5000, the best of 50 drawn from the youngest 4" in child.reason


def test_a_small_sample_lets_others_than_the_best_have_children():
    history = History(tuple(at(FULL, [0.1, 0.2, 0.3, 0.4])))
    parents = {evolve(history, sample=1, seed=seed)[0].reason.split("nearest to ")[1][:12] for seed in range(40)}
    assert parents == {c.id for c in CANDIDATES[:4]}


def test_children_of_a_cell_differ_in_one_operation():
    """Also where a limit leaves out some cells, and where features do not tell cells apart that do the same."""
    space = NASBench201Space(
        NASBench201Choices(stem=16, cells_per_stage=5, operations=("none", "skip_connect", "nor_conv_3x3"))
    )
    rng = np.random.default_rng(0)
    cells = list({a.id: a for a in (space.sample(rng) for _ in range(300))}.values())
    cheap = [c for c in cells if c.fields["cell"].count("nor_conv_3x3") <= 2]
    candidates = tuple(Candidate(c, space.encode(c), Costs(1, 1)) for c in cheap)
    for place in range(20):
        parent = replace(observation(CANDIDATES[0], FULL), architecture_id=candidates[place].id)
        children = evolve(
            History((parent,)), population=1, proposals_at_a_time=12, candidates=candidates, neighbours=space.neighbours
        )
        expected = {a.id for a in space.neighbours(cheap[place])} & {c.id for c in cheap}
        assert expected
        assert set(names(children[: len(expected)])) == expected


def test_the_nearest_candidates_are_all_that_are_equally_near():
    """A step on an indicator counts as it is, one on another axis in its standard deviation."""
    table = [(0.0, 0.0), (0.0, 10.0), (1.0, 0.0), (0.0, 30.0), (1.0, 10.0)]
    points = [replace(CANDIDATES[place], features=features) for place, features in enumerate(table)]
    deviation = np.std([second for _, second in table])
    assert 10 / deviation < 1
    neighbours = Neighbours(points)
    assert neighbours.nearest((0.0, 0.0), np.array([1, 2, 3, 4])).tolist() == [1]
    assert neighbours.nearest((0.0, 20.0), np.array([0, 1, 2, 3])).tolist() == [1, 3]
    assert neighbours.nearest((1.0, 0.0), np.array([0, 3])).tolist() == [0]
