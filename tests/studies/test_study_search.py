"""A search continues a study: it knows the study's evaluations, and adds its own to the store."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd.errors import InvalidValueError, MissingEvaluationError
from mf_nas_kd.records import METRICS, Architecture, Costs, Evaluation, Fidelity, Metrics
from mf_nas_kd.records.metrics import ACCURACY, BALANCED_ACCURACY
from mf_nas_kd.records.tables import candidate_table, records_of, table_of
from mf_nas_kd.search import Budget, build_strategy
from mf_nas_kd.spaces import Limits
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.finalists import finalists_of
from mf_nas_kd.studies.plan import plan_table, requests_of
from mf_nas_kd.studies.runner import run_evaluations
from mf_nas_kd.studies.study_search import front_of, run_study_search, search_pool, search_problem
from mf_nas_kd.workers.inline import InlineExecutor
from tests.fakes import FakeEvaluator

FULL = Fidelity(Fraction(1), epochs=9)
LOW = Fidelity(Fraction(1, 9), epochs=1)
OTHER = Fidelity(Fraction(1, 3), epochs=2)
STUDIED = 3
"""Architectures of the study; those after them are found by the search only."""


def cost_of(architecture):
    return Costs(macs=100 + len(architecture.specification), params=10)


@pytest.fixture
def plan(architectures):
    return plan_table(architectures[:STUDIED], [LOW], FULL, 5, FakeEvaluator())


@pytest.fixture
def pool(architectures):
    return candidate_table(architectures, cost_of)


@pytest.fixture
def store(tmp_path):
    return EvaluationStore(f"sqlite:///{tmp_path}/store.db")


def evaluate(requests, store):
    evaluator = FakeEvaluator()
    found = run_evaluations(requests, evaluator, InlineExecutor(evaluator), store, lambda _: None, False, False)
    return table_of(found, Evaluation)


def search(plan, pool, space, store, evaluations, count, new):
    evaluator = FakeEvaluator()
    strategy = build_strategy("random", search_problem(pool, plan, space, None, 1, ACCURACY), {})
    with InlineExecutor(evaluator) as workers:
        return run_study_search(
            "random", strategy, plan, evaluations, Budget(1e9, count), 0, evaluator, workers, store, new.append, False
        )


def test_the_pool_has_the_candidates_of_the_study_and_a_sample_each_once(space, architectures):
    candidates = candidate_table(architectures, cost_of)
    pool = search_pool(candidates, space, 10, Limits.of(), cost_of, np.random.default_rng(0))
    assert pool["architecture_id"].tolist()[: len(architectures)] == [a.id for a in architectures]
    assert pool["architecture_id"].is_unique
    assert len(pool) > len(architectures)


def test_candidates_of_another_space_are_refused(space):
    foreign = candidate_table([Architecture.of("grid", x=1)], cost_of)
    with pytest.raises(InvalidValueError, match="space of the candidates is 'grid', but must be those of mobilenet_v2"):
        search_pool(foreign, space, 1, Limits.of(), cost_of, np.random.default_rng(0))


def test_the_problem_has_the_fidelities_of_the_plan_unless_others_are_given(plan, pool, space, architectures):
    problem = search_problem(pool, plan, space, None, 2, ACCURACY)
    assert (problem.full, problem.low, problem.proposals_at_a_time) == (FULL, (LOW,), 2)
    assert [candidate.architecture for candidate in problem.candidates] == architectures
    assert [candidate.macs for candidate in problem.candidates] == pool["macs"].tolist()
    assert search_problem(pool, plan, space, [OTHER], 1, ACCURACY).low == (OTHER,)


def test_a_search_for_a_front_ends_with_it(plan, pool, space, store):
    known = evaluate(requests_of(plan), store)
    problem = search_problem(pool, plan, space, None, 1, ACCURACY, front_cost="params")
    assert problem.objective.values == dict(zip(pool["architecture_id"], pool["params"].astype(float), strict=True))
    evaluator = FakeEvaluator()
    with InlineExecutor(evaluator) as workers:
        found = run_study_search(
            "random",
            build_strategy("random", problem, {}),
            plan,
            known,
            Budget(1e9, 3),
            0,
            evaluator,
            workers,
            store,
            lambda _: None,
            False,
        )
    rows = front_of(problem, found.full)
    accuracies = {each.architecture.id: each.metrics.val_accuracy for each in found.full}
    for row in rows:
        name, params, accuracy = row.values()
        assert accuracy == accuracies[name]
        others = [accuracies[n] for n, p in problem.objective.values.items() if n in accuracies and p < params]
        assert all(other < accuracy for other in others)
    assert max(accuracies.values()) in [row["val_accuracy"] for row in rows]
    assert front_of(search_problem(pool, plan, space, None, 1, ACCURACY), found.full) == []


def test_a_cost_of_the_front_that_was_not_measured_is_refused(plan, pool, space):
    with pytest.raises(InvalidValueError, match="candidates whose latency_ms was not measured is '6 of 6'"):
        search_problem(pool, plan, space, None, 1, ACCURACY, front_cost="latency_ms")


def test_a_search_is_charged_only_for_its_own_evaluations_and_stores_them(plan, pool, space, store, architectures):
    known, new = evaluate(requests_of(plan), store), []
    found = search(plan, pool, space, store, known, 2, new)
    assert len(found.result.evaluations) == len(new) == 2
    assert found.result.spent_seconds == 2 * float(FULL.image_passes)
    assert {evaluation.seed for evaluation in new} == {5}, "the seed of the study's trainings"
    assert not {evaluation.architecture for evaluation in new} & set(architectures[:STUDIED])
    assert set(store.find([evaluation.key for evaluation in new]).values()) == set(new)
    assert len(found.full) == STUDIED + 2
    best = max(found.full, key=lambda evaluation: evaluation.metrics.val_accuracy)
    assert found.result.winner_id == best.architecture.id


class LosesTime(InlineExecutor):
    """Every task is lost once, which takes a second."""

    def submit(self, task, *arguments, expected_seconds=None):
        future = super().submit(task, *arguments)
        future.lost_seconds = 1.0
        return future


def test_time_that_is_lost_to_faults_is_charged_to_the_budget_also_when_the_search_runs_again(plan, pool, space, store):
    known = evaluate(requests_of(plan), store)
    evaluator, strategy = (
        FakeEvaluator(),
        build_strategy("random", search_problem(pool, plan, space, None, 1, ACCURACY), {}),
    )
    with LosesTime(evaluator) as workers:
        found, again = (
            run_study_search(
                "random", strategy, plan, known, Budget(1e9, 2), 0, evaluator, workers, store, lambda _: None, False
            )
            for _ in range(2)
        )
    assert found.result.spent_seconds == 2 * (float(FULL.image_passes) + 1)
    assert (
        found.result.trace["cumulative_cost_seconds"].tolist() == found.result.trace["cost_seconds"].cumsum().tolist()
    )
    assert found.result.trace["reason"].str.contains("1.0 s were lost to faults of the machine").all()
    pd.testing.assert_frame_equal(found.result.trace, again.result.trace)


def test_a_search_tries_failed_evaluations_again_where_the_study_does(plan, pool, space, store):
    known, evaluator = evaluate(requests_of(plan), store), FakeEvaluator()
    for architecture in records_of(pool, Architecture)[STUDIED:]:
        store.append(evaluator.failure(architecture, FULL, 5, "out of memory"))
    strategy, seen = build_strategy("random", search_problem(pool, plan, space, None, 1, ACCURACY), {}), {}
    with InlineExecutor(evaluator) as workers:
        for retry_failed in (False, True):
            found = run_study_search(
                "random", strategy, plan, known, Budget(1e9, 2), 0, evaluator, workers, store, print, retry_failed
            )
            seen[retry_failed] = [evaluation.finished for evaluation in found.result.evaluations]
    assert seen == {False: [False, False], True: [True, True]}


def test_a_search_knows_one_evaluation_an_architecture_at_the_target_fidelity(pool, space, store, architectures):
    """With three seeds it is the same search as with one."""
    results = []
    for seeds in (1, 3):
        plan = plan_table(architectures[:STUDIED], [LOW], FULL, 5, FakeEvaluator(), seeds)
        found = search(plan, pool, space, store, evaluate(requests_of(plan), store), 2, [])
        assert {evaluation.seed for evaluation in found.full} == {5}
        results.append(found)
    pd.testing.assert_frame_equal(results[0].result.trace, results[1].result.trace)
    assert set(results[0].full) == set(results[1].full)


def test_a_search_without_the_evaluations_of_its_study_is_refused(plan, pool, space, store):
    known = evaluate(requests_of(plan)[1:], store)
    with pytest.raises(MissingEvaluationError, match="1 of 6 planned evaluations are not in the store"):
        search(plan, pool, space, store, known, 2, [])


class Opposed(FakeEvaluator):
    """The higher the accuracy, the lower the balanced accuracy."""

    def _record(self, architecture, fidelity, seed, accuracy, error):
        record = super()._record(architecture, fidelity, seed, accuracy, error)
        return replace(record, metrics=Metrics(accuracy, accuracy, 1 - accuracy, 1 - accuracy))


@pytest.mark.parametrize("strategy", ["random", "mf_kd"])
@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_the_metric_that_selects_decides_the_search(pool, space, architectures, tmp_path, metric, strategy):
    evaluator, store = Opposed(), EvaluationStore(f"sqlite:///{tmp_path}/store.db")
    plan = plan_table(architectures[:4], [LOW], FULL, 0, evaluator)
    found = [evaluator.evaluate(each.architecture, each.fidelity, each.seed) for each in requests_of(plan)]
    options = {"random": {}, "mf_kd": {"draws": 32}}[strategy]
    built = build_strategy(strategy, search_problem(pool, plan, space, None, 1, metric), options)
    workers, known = InlineExecutor(evaluator), table_of(found, Evaluation)
    searched = run_study_search(
        strategy, built, plan, known, Budget(1e9, 6), 0, evaluator, workers, store, lambda _: None, False
    )
    best = max(searched.full, key=lambda each: metric.of(each.metrics))
    assert searched.result.winner_id == best.architecture.id
    last = searched.result.trace.iloc[-1]
    assert last["incumbent_architecture_id"] == best.architecture.id
    assert last[f"incumbent_{metric.validation}"] == metric.of(best.metrics)
    assert last["incumbent_val_accuracy"] == best.metrics.val_accuracy, "accuracy is told by whatever metric"
    finalists = finalists_of(built.problem, plan, known, searched.result.trace, 1, 0.0)
    assert metric.of(next(e for e in searched.full if e.architecture.id == finalists[0].candidate.id).metrics) > 0.5


def test_a_study_of_an_earlier_version_is_not_searched_by_what_it_lacks(pool, space, architectures, tmp_path):
    evaluator = FakeEvaluator()
    plan = plan_table(architectures[:4], [LOW], FULL, 0, evaluator)
    known = table_of([evaluator.evaluate(r.architecture, r.fidelity, r.seed) for r in requests_of(plan)], Evaluation)
    built = build_strategy("random", search_problem(pool, plan, space, None, 1, BALANCED_ACCURACY), {})
    store = EvaluationStore(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(MissingEvaluationError, match="8 of 8 evaluations have no balanced accuracy"):
        run_study_search(
            "random", built, plan, known, Budget(1e9, 6), 0, evaluator, InlineExecutor(evaluator), store, print, False
        )
