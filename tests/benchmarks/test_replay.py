"""Replays on a table whose every number is known."""

import math
from dataclasses import asdict, replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd.benchmarks.replay import replay, replay_tasks
from mf_nas_kd.benchmarks.replays import BenchmarkRun, run_replays
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Fidelity
from mf_nas_kd.search import STRATEGIES, Budget, Proposal, Strategy, build_strategy, run_search
from mf_nas_kd.search.budget import UNLIMITED
from mf_nas_kd.search.front_objective import ACCURACY_OBJECTIVE
from tests.fakes import evaluation
from tests.search.problems import OPTIONS, skip_unless_installed
from tests.search.tables import FULL, KD, PLAIN, table

ACCURACIES = (0.60, 0.70, 0.65, 0.80, 0.75, 0.796)


class Scripted(Strategy):
    """Proposes what it was told, in this order: places of candidates, and fidelities."""

    def __init__(self, problem, *script):
        self.problem, self.script = problem, script

    def propose(self, history, budget, rng):
        if len(history) == len(self.script):
            return ()
        place, fidelity = self.script[len(history)]
        return (Proposal(self.problem.candidates[place], fidelity, "as told"),)


def task(name="all", **changes):
    return replay_tasks(table(ACCURACIES, **changes), {"all": 1.0, "half": 0.5, "few": 0.1})[name]


def played(*script, budget=UNLIMITED, points=0.5, the_task=None):
    the_task = the_task or task()
    return replay(the_task, Scripted(the_task.problem, *script), budget, 0, points)


def test_a_search_by_hand():
    """The target is 0.795: the last candidate reaches it, the fourth is the best and ends the search."""
    found = played((0, KD), (1, PLAIN), (0, FULL), (2, FULL), (1, KD), (5, FULL), (4, FULL), (3, FULL), (1, FULL))
    costs = [1, 2, 10, 30, 1, 60, 50, 40]
    assert found.cost_to_target_seconds == sum(costs[:6])
    assert found.cost_to_best_seconds == found.spent_seconds == sum(costs)
    assert (found.high_fidelity_evaluations, found.low_fidelity_evaluations) == (5, 3)
    assert found.recommended_test_accuracy == pytest.approx(0.79)
    assert found.proposal_seconds > 0
    expected = [(13, 20.0), (43, 15.0), (104, 0.4), (194, 0.0)]
    np.testing.assert_allclose(found.trace, expected, atol=1e-9)


def test_the_target_is_as_near_as_was_said():
    script = [(5, FULL), (4, FULL), (3, FULL)]
    assert played(*script, points=0.4).cost_to_target_seconds == 60, "0.796 is within 0.4 points of 0.8"
    assert played(*script, points=0.3).cost_to_target_seconds == 150


CONTINUABLE = Fidelity(Fraction(1), 4)


def paused_table():
    """4 of 10 epochs cost 5 s; all but the last candidate can be continued, which saves 3 s."""
    made = table(ACCURACIES)
    full = made.at(FULL)
    short = full.assign(epochs=4, cost_seconds=5.0, pause_seconds=3.0)
    short.loc[short.index[-1], "pause_seconds"] = math.nan
    return replace(made, evaluations=pd.concat([full, short], ignore_index=True), low=(CONTINUABLE,))


def test_a_continued_training_costs_what_it_did_not_reuse():
    script = [(0, CONTINUABLE), (5, CONTINUABLE), (0, FULL), (1, FULL), (5, FULL)]
    continued = replay_tasks(paused_table(), {"all": 1.0})["all"]
    assert continued.problem.continuation
    assert played(*script, the_task=continued).spent_seconds == 5 + 5 + (10 - 3) + 20 + 60
    assert played(*script, the_task=continued.without_continuation()).spent_seconds == 5 + 5 + 10 + 20 + 60
    assert not task().problem.continuation


def test_a_strategy_knows_what_continuing_saves():
    class Asks(Scripted):
        def propose(self, history, budget, rng):
            told.append(history.saved_seconds(self.problem.candidates[0].id, FULL))
            return super().propose(history, budget, rng)

    told: list[float] = []
    the_task = replay_tasks(paused_table(), {"all": 1.0})["all"]
    replay(the_task, Asks(the_task.problem, (0, CONTINUABLE), (0, FULL)), UNLIMITED, 0, 0.5)
    assert told == [0, 3, 3]


def test_short_trainings_do_not_reach_the_target():
    found = played((3, KD), (5, PLAIN))
    assert math.isnan(found.cost_to_target_seconds)
    assert math.isnan(found.cost_to_best_seconds)
    assert math.isnan(found.recommended_test_accuracy)
    assert (found.spent_seconds, found.trace) == (3, ())


def test_a_search_that_stops_early_recommends_its_best():
    found = played((1, FULL), (2, FULL))
    assert found.recommended_test_accuracy == pytest.approx(0.69)
    assert math.isnan(found.cost_to_best_seconds)
    np.testing.assert_allclose(found.trace, [(20, 10.0), (50, 10.0)], atol=1e-9)


def test_a_strategy_may_recommend_another_one():
    class Opinionated(Scripted):
        def recommend(self, history):
            return self.problem.candidates[4].id

    the_task = task()
    found = replay(the_task, Opinionated(the_task.problem, (1, FULL)), UNLIMITED, 0, 0.5)
    assert found.recommended_test_accuracy == pytest.approx(0.74)


def test_nothing_proposed_is_nothing_found():
    found = played()
    assert (found.spent_seconds, found.high_fidelity_evaluations, found.trace) == (0, 0, ())
    assert math.isnan(found.proposal_seconds)


@pytest.mark.parametrize(("budget", "evaluations"), [(Budget(math.inf, 2), 2), (Budget(45.0, 9), 2)])
def test_the_budget_ends_a_search(budget, evaluations):
    assert played((0, FULL), (1, FULL), (2, FULL), (3, FULL), budget=budget).high_fidelity_evaluations == evaluations


def test_a_limit_leaves_candidates_out_and_has_a_best_of_its_own():
    """Macs 100 to 600: the middle is 350, a tenth of the way is 150."""
    assert [c.macs for c in task("half").problem.candidates] == [100, 200, 300]
    assert task("half").best_accuracy == 0.70
    assert [c.macs for c in task("few").problem.candidates] == [100]
    assert played((2, FULL), (1, FULL), (0, FULL), the_task=task("half")).cost_to_best_seconds == 50


def test_what_is_not_in_the_table_failed_and_cost_nothing():
    found = played((1, KD), (0, KD), (3, FULL), the_task=task(without={(1, KD)}))
    assert found.low_fidelity_evaluations == 2
    assert found.cost_to_best_seconds == 41


def test_the_truth_may_be_another_training_than_the_one_searched():
    long = Fidelity(Fraction(1), 200)
    found = played((1, FULL), the_task=task(truth=long, low=()))
    assert found.recommended_test_accuracy == pytest.approx(0.70 / 2 - 0.01)


def test_only_some_low_fidelities_may_be_used():
    assert task().with_low((KD,)).problem.low == (KD,)
    with pytest.raises(InvalidValueError, match="low fidelity is"):
        task().with_low((FULL,))


@pytest.fixture(params=sorted(name for name, each in STRATEGIES.items() if ACCURACY_OBJECTIVE in each.objectives))
def name(request):
    skip_unless_installed(request.param)
    return request.param


MANY = np.round(np.random.default_rng(0).random(25), 4)


@pytest.fixture(scope="module")
def many():
    return replay_tasks(table(MANY), {"all": 1.0})["all"]


def benchmark_run(task, name, budget=UNLIMITED):
    options = STRATEGIES[name].Options.model_validate(OPTIONS[name])
    return BenchmarkRun({"task": "all", "strategy": name}, task, name, options, budget, 0.5)


def comparable(replayed):
    """All but the time of thinking, which is never the same twice; text, because not-a-number is not itself."""
    return repr({**asdict(replayed), "proposal_seconds": None})


def test_a_replay_is_the_same_search_as_a_live_one(many, name):
    """Step by step until the best one is found, by the trace of a search that looks the table up."""

    def evaluate(requests):
        known = [many.results[request.fidelity][request.architecture.id] for request in requests]
        return [
            evaluation("", r.architecture, r.fidelity, r.seed, seen.score, "", seen.cost_seconds, seen.macs)
            for r, seen in zip(requests, known, strict=True)
        ]

    budget = Budget(600.0, 40)
    strategy = build_strategy(name, many.problem, OPTIONS[name])
    trace = run_search(name, strategy, many.problem, (), budget, evaluate, search_seed=3, training_seed=0).trace
    best = trace.index[trace["incumbent_val_accuracy"] == many.best_accuracy]
    trace = trace.loc[: best[0]] if len(best) else trace
    found = benchmark_run(many, name, budget).replay(seed=3)
    assert found.high_fidelity_evaluations == (trace["train_fraction"] == 1).sum()
    assert found.low_fidelity_evaluations == (trace["train_fraction"] < 1).sum()
    assert found.spent_seconds == pytest.approx(trace["cumulative_cost_seconds"].iloc[-1])
    regret = 100 * (many.best_accuracy - trace["incumbent_val_accuracy"].iloc[-1])
    assert found.trace[-1] == pytest.approx((found.spent_seconds, regret))


def test_the_same_seed_gives_the_same_replay(many, name):
    assert comparable(benchmark_run(many, name).replay(1)) == comparable(benchmark_run(many, name).replay(1))


def test_other_seeds_give_other_replays(many):
    assert len({comparable(benchmark_run(many, "random").replay(seed)) for seed in range(5)}) == 5


def test_the_number_of_processes_does_not_matter(many):
    runs = [benchmark_run(many, name) for name in ("random", "hf_gp")]
    here, there = (run_replays(runs, seeds=3, workers=workers) for workers in (1, 2))
    assert [comparable(r) for *_, r in here] == [comparable(r) for *_, r in there]
    assert [(c.strategy, seed) for c, seed, _ in here] == [(n, s) for n in ("random", "hf_gp") for s in range(3)]
    assert [(c.strategy, seed) for c, seed, _ in there] == [(c.strategy, seed) for c, seed, _ in here]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_says_what_and_where(many, workers):
    broken = replace(many, results={})
    with pytest.raises(KeyError) as failed:
        run_replays([benchmark_run(broken, "random")], seeds=2, workers=workers)
    assert failed.value.__notes__ == ["in the replay of all, random, seed 0"]


def test_an_error_of_our_own_comes_back_from_a_process_as_it_was(many):
    unknown = replace(benchmark_run(many, "random"), strategy="best")
    with pytest.raises(InvalidValueError, match="search.strategy is 'best', but must be one of: .*random"):
        run_replays([unknown], seeds=2, workers=2)
