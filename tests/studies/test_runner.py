import logging
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mf_nas_kd.errors import StoreError, WorkerStartError
from mf_nas_kd.records import EvaluationRequest, Metrics
from mf_nas_kd.records.metrics import ACCURACY, BALANCED_ACCURACY
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import claims, run_evaluations, runner
from mf_nas_kd.workers import Executor, TaskFuture, open_executor
from tests.fakes import FakeEvaluator, executor_settings


class Interrupted(Exception):
    pass


@pytest.fixture
def requests(architectures, short):
    return [EvaluationRequest(architecture, short, 0) for architecture in architectures]


def run(requests, evaluator, store, on_new=lambda _: None, retry_failed=False, metric=ACCURACY):
    with open_executor(executor_settings("inline"), evaluator) as workers:
        return run_evaluations(
            requests, evaluator, workers, store, on_new, retry_failed=retry_failed, show_progress=False, metric=metric
        )


def test_nothing_is_evaluated_twice(requests, tmp_path):
    store, seen = EvaluationStore(f"sqlite:///{tmp_path}/s.db"), []
    first = run(requests[:2], FakeEvaluator(), store, seen.append)
    again = run(requests, FakeEvaluator(), store, seen.append)
    assert again[:2] == first
    assert [e.architecture.id for e in seen] == [r.architecture.id for r in requests]
    assert len(store.table()) == len(requests)


def test_a_result_is_stored_before_the_next_is_asked_for(requests, tmp_path):
    url, seen = f"sqlite:///{tmp_path}/s.db", []

    def interrupt(evaluation):
        seen.append(evaluation)
        if len(seen) == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        run(requests, FakeEvaluator(), EvaluationStore(url), interrupt)
    assert list(EvaluationStore(url).table()["key"]) == [e.key for e in seen]


def test_failed_trainings_are_tried_again_only_when_asked(requests, tmp_path):
    store = EvaluationStore(f"sqlite:///{tmp_path}/s.db")
    request, evaluator = requests[0], FakeEvaluator()
    store.append(evaluator.failure(request.architecture, request.fidelity, request.seed, "out of memory"))
    assert not run([request], evaluator, store)[0].finished
    assert run([request], evaluator, store, retry_failed=True)[0].finished
    assert store.table()["status"].tolist() == ["finished"], "the newest record counts"


def test_the_same_request_twice_is_one_training(requests, tmp_path):
    store, seen = EvaluationStore(f"sqlite:///{tmp_path}/s.db"), []
    assert len(run([requests[0], requests[0]], FakeEvaluator(), store, seen.append)) == 2
    assert len(seen) == 1


class OneWorkerCannotStart(Executor):
    """Three at a time; the first task finds out."""

    in_flight = 3

    def __init__(self, evaluator):
        self.evaluator, self.begun = evaluator, 0

    def submit(self, task, *arguments, expected_seconds=None):
        future, self.begun = TaskFuture(), self.begun + 1
        if self.begun == 1:
            future.set_exception(WorkerStartError("no worker"))
        else:
            future.set_result(task(self.evaluator, *arguments))
        return future

    def close(self, at_once=False):
        pass


def test_where_a_worker_cannot_start_what_the_others_finish_is_kept(requests, tmp_path):
    store, evaluator = EvaluationStore(f"sqlite:///{tmp_path}/s.db"), FakeEvaluator()
    with OneWorkerCannotStart(evaluator) as workers, pytest.raises(WorkerStartError, match="no worker"):
        run_evaluations(requests, evaluator, workers, store, lambda _: None, False, False)
    assert set(store.table()["architecture_id"]) == {request.architecture.id for request in requests[1:3]}
    assert workers.begun == 3, "nothing is begun that nobody waits for"


def test_a_store_that_refuses_a_record_ends_the_run_after_what_runs_was_stored(requests, tmp_path, monkeypatch):
    store, refused = EvaluationStore(f"sqlite:///{tmp_path}/s.db"), []
    append = store.append

    def refuse_the_first(record):
        if not refused:
            refused.append(record)
            raise StoreError("no space")
        append(record)

    monkeypatch.setattr(store, "append", refuse_the_first)
    executor = open_executor(executor_settings("processes"), FakeEvaluator())
    with executor as workers, pytest.raises(StoreError, match="no space"):
        run_evaluations(requests, FakeEvaluator(), workers, store, lambda _: None, False, False)
    stored = set(store.table()["key"])
    assert 1 <= len(stored) < len(requests)
    assert refused[0].key not in stored


# ---------------------------------------------------------------- several runs of one study


class Counting(FakeEvaluator):
    def __init__(self, **options):
        super().__init__(**options)
        self.made = []

    def evaluate(self, architecture, fidelity, seed):
        self.made.append(architecture.id)
        return super().evaluate(architecture, fidelity, seed)


def test_two_runs_at_once_share_the_evaluations_and_both_have_all(requests, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "SECONDS_BETWEEN_READS", 0.01)
    evaluators, found = [Counting(delay=0.05), Counting(delay=0.05)], {}

    def one(number):
        store = EvaluationStore(f"sqlite:///{tmp_path}/s.db")
        found[number] = run(requests, evaluators[number], store)

    EvaluationStore(f"sqlite:///{tmp_path}/s.db")
    threads = [threading.Thread(target=one, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [*evaluators[0].made, *evaluators[1].made]
    assert sorted(made) == sorted({request.architecture.id for request in requests}), "each once"
    assert all(evaluator.made for evaluator in evaluators), "both work: else the test proves little"
    assert found[0] == found[1] == run(requests, FakeEvaluator(), EvaluationStore("sqlite://"))


def test_what_a_killed_run_had_claimed_is_made_when_the_claim_expires(requests, tmp_path):
    store, evaluator = EvaluationStore(f"sqlite:///{tmp_path}/s.db"), Counting()
    killed = evaluator.key(requests[0].architecture, requests[0].fidelity, requests[0].seed)
    started = time.monotonic()
    assert store.claim([killed], "a killed run", 1.5) == {killed}
    run(requests, evaluator, store)
    assert time.monotonic() - started >= 1.5
    assert evaluator.made == [request.architecture.id for request in (*requests[1:], requests[0])]


def test_what_another_run_fails_at_is_not_tried_again_even_where_failed_ones_are(
    requests, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO", "mf_nas_kd")
    monkeypatch.setattr(runner, "SECONDS_BETWEEN_READS", 0.01)
    store, evaluator, request = EvaluationStore(f"sqlite:///{tmp_path}/s.db"), Counting(), requests[0]
    earlier, now = (
        evaluator.failure(request.architecture, request.fidelity, request.seed, error) for error in ("earlier", "now")
    )
    store.append(earlier)
    store.claim([earlier.key], "another run", 60)
    threading.Timer(0.3, store.append, [now]).start()
    assert run([request], evaluator, store, retry_failed=True) == [now]
    assert evaluator.made == []
    assert caplog.text.count("Waiting for another run of this study, which is making 1 evaluations") == 1


def test_a_database_that_was_given_up_is_not_asked_to_release_claims():
    asked = []
    store = SimpleNamespace(release=asked.append, renew=lambda *_: None)
    with pytest.raises(StoreError), claims.Claims(store):
        raise StoreError("tried for 120 s")
    assert asked == []
    with pytest.raises(KeyboardInterrupt), claims.Claims(store):
        raise KeyboardInterrupt
    assert len(asked) == 1


def test_claims_are_released_at_the_end_also_of_a_run_that_fails(requests, tmp_path):
    store, evaluator = (
        EvaluationStore(f"sqlite:///{tmp_path}/s.db"),
        FakeEvaluator(broken=[requests[1].architecture.id]),
    )
    with pytest.raises(RuntimeError, match="a mistake"):
        run(requests, evaluator, store)
    keys = [evaluator.key(r.architecture, r.fidelity, r.seed) for r in requests]
    assert store.claim(keys, "the next run", 60) == set(keys)


def test_claims_are_renewed_as_long_as_a_run_works(requests, tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "CLAIM_SECONDS", 0.6)
    store, evaluator = EvaluationStore(f"sqlite:///{tmp_path}/s.db"), FakeEvaluator(delay=2)
    key = evaluator.key(requests[0].architecture, requests[0].fidelity, requests[0].seed)
    taken = []
    threading.Timer(
        1.5, lambda: taken.append(EvaluationStore(f"sqlite:///{tmp_path}/s.db").claim([key], "x", 60))
    ).start()
    run(requests[:1], evaluator, store)
    assert taken == [set()]


def test_time_that_was_lost_is_in_the_record(requests, tmp_path):
    store = EvaluationStore(f"sqlite:///{tmp_path}/s.db")
    with OneWasLost(FakeEvaluator()) as workers:
        first, second = run_evaluations(requests[:2], FakeEvaluator(), workers, store, lambda _: None, False, False)
    assert (first.lost_seconds, second.lost_seconds) == (7.0, 0.0)
    assert first.charged_seconds == first.cost_seconds + 7
    assert store.find([first.key])[first.key] == first


class OneWasLost(OneWorkerCannotStart):
    def submit(self, task, *arguments, expected_seconds=None):
        self.begun += 1
        future = TaskFuture()
        future.lost_seconds = 7.0 if self.begun == 1 else 0.0
        future.set_result(task(self.evaluator, *arguments))
        return future


class MeasuresBoth(FakeEvaluator):
    """As this version does; earlier ones have measured accuracy only."""

    def _record(self, architecture, fidelity, seed, accuracy, error):
        record = super()._record(architecture, fidelity, seed, accuracy, error)
        return replace(record, metrics=Metrics(accuracy, accuracy, accuracy, accuracy))


def test_an_evaluation_without_the_metric_that_selects_is_made_again_and_kept(requests, tmp_path, caplog):
    store = EvaluationStore(f"sqlite:///{tmp_path}/s.db")
    old = run(requests[:2], FakeEvaluator(), store)
    assert run(requests[:2], MeasuresBoth(), store) == old, "by accuracy, nothing is missing"
    seen = []
    with caplog.at_level(logging.INFO):
        new = run(requests, MeasuresBoth(), store, seen.append, metric=BALANCED_ACCURACY)
    assert "2 of them are made again: an earlier version stored them without their balanced accuracy" in caplog.text
    assert len(seen) == len(requests)
    assert [each.key for each in new[:2]] == [each.key for each in old]
    assert all(BALANCED_ACCURACY.of(each.metrics) is not None for each in new)
    assert len(store.latest(100)) == len(requests) + 2, "nothing is lost"
    assert run(requests, FakeEvaluator(), store, metric=BALANCED_ACCURACY) == new
