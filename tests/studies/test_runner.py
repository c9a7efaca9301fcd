from concurrent.futures import Future

import pytest

from mf_nas_kd.errors import WorkerStartError
from mf_nas_kd.records import EvaluationRequest
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.workers import Executor, open_executor
from tests.fakes import FakeEvaluator, executor_settings


class Interrupted(Exception):
    pass


@pytest.fixture
def requests(architectures, short):
    return [EvaluationRequest(architecture, short, 0) for architecture in architectures]


def run(requests, evaluator, store, on_new=lambda _: None, retry_failed=False):
    with open_executor(executor_settings("inline"), evaluator) as workers:
        return run_evaluations(
            requests, evaluator, workers, store, on_new, retry_failed=retry_failed, show_progress=False
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

    def submit(self, task, *arguments):
        future, self.begun = Future(), self.begun + 1
        if self.begun == 1:
            future.set_exception(WorkerStartError("no worker"))
        else:
            future.set_result(task(self.evaluator, *arguments))
        return future

    def close(self):
        pass


def test_where_a_worker_cannot_start_what_the_others_finish_is_kept(requests, tmp_path):
    store, evaluator = EvaluationStore(f"sqlite:///{tmp_path}/s.db"), FakeEvaluator()
    with OneWorkerCannotStart(evaluator) as workers, pytest.raises(WorkerStartError, match="no worker"):
        run_evaluations(requests, evaluator, workers, store, lambda _: None, False, False)
    assert set(store.table()["architecture_id"]) == {request.architecture.id for request in requests[1:3]}
    assert workers.begun == 3, "nothing is begun that nobody waits for"
