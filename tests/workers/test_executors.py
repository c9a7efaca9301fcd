"""Every executor keeps what the protocol promises."""

import os
import subprocess
import sys
import textwrap
from concurrent.futures import wait

import psutil
import pytest
from pydantic import ValidationError

from mf_nas_kd.errors import TrainingFailedError, WorkerStartError
from mf_nas_kd.records import EvaluationRequest
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.studies.runner import evaluate
from mf_nas_kd.workers import EXECUTORS, open_executor, processes
from tests.fakes import FakeEvaluator, executor_settings

PROCESSES = [kind for kind in EXECUTORS if kind != "inline"]


@pytest.fixture
def requests(architectures, short):
    return [EvaluationRequest(architecture, short, 0) for architecture in architectures]


def run(requests, evaluator, tmp_path, kind, retry_failed=False):
    store = EvaluationStore(f"sqlite:///{tmp_path}/store.db")
    with open_executor(executor_settings(kind), evaluator) as workers:
        return run_evaluations(
            requests, evaluator, workers, store, lambda _: None, retry_failed=retry_failed, show_progress=False
        )


@pytest.mark.parametrize("kind", EXECUTORS)
def test_every_request_is_answered_as_the_evaluator_answers(kind, requests, tmp_path):
    evaluator = FakeEvaluator()
    found = run(requests, evaluator, tmp_path, kind)
    assert found == [evaluator.evaluate(r.architecture, r.fidelity, r.seed) for r in requests]


@pytest.mark.parametrize("kind", EXECUTORS)
def test_an_exception_reaches_whoever_asks(kind, requests, tmp_path):
    with open_executor(executor_settings(kind), FakeEvaluator(broken=[requests[0].architecture.id])) as w:
        future = w.submit(evaluate, requests[0])
        wait([future])
        with pytest.raises(RuntimeError, match="a mistake of the evaluator"):
            future.result()


@pytest.mark.parametrize("kind", EXECUTORS)
def test_closing_an_executor_that_did_nothing_is_no_mistake(kind):
    open_executor(executor_settings(kind), FakeEvaluator()).close()


@pytest.mark.parametrize("kind", PROCESSES)
def test_what_a_killed_worker_was_doing_is_done_by_another(kind, requests, tmp_path):
    evaluator = FakeEvaluator(deadly=tmp_path / "has killed", delay=0.05)
    found = run(requests, evaluator, tmp_path, kind)
    assert (tmp_path / "has killed").exists(), "no worker was killed: the test would prove nothing"
    assert [e.architecture.id for e in found] == [r.architecture.id for r in requests]
    assert all(evaluation.finished for evaluation in found)


@pytest.mark.parametrize("kind", PROCESSES)
def test_a_training_that_always_kills_is_a_failed_record_and_harms_no_other(kind, requests, tmp_path):
    killer = requests[1].architecture.id
    found = run(requests, FakeEvaluator(always_deadly=[killer], delay=0.05), tmp_path, kind)
    assert [e.finished for e in found] == [r.architecture.id != killer for r in requests]
    assert "given up after 3 deaths" in found[1].error


class CannotArrive(FakeEvaluator):
    def __reduce__(self):
        return open, ("/nowhere/at all",)


@pytest.mark.parametrize("kind", PROCESSES)
def test_workers_that_cannot_start_end_the_run_and_leave_no_record(kind, requests, tmp_path):
    with pytest.raises(WorkerStartError, match="a worker process ends before it can begin|/nowhere/at all"):
        run(requests, CannotArrive(), tmp_path, kind)
    assert EvaluationStore(f"sqlite:///{tmp_path}/store.db").table().empty


@pytest.mark.parametrize("kind", PROCESSES)
def test_workers_end_with_their_driver(kind, tmp_path):
    code = """
        import sys, time
        from concurrent.futures import wait
        from mf_nas_kd.workers import open_executor
        from tests.fakes import FakeEvaluator, executor_settings, process
        if __name__ == "__main__":
            workers = open_executor(executor_settings(sys.argv[1]), FakeEvaluator())
            wait([workers.submit(process, 0.2) for _ in range(4)])
            left = [workers.submit(process, 3600) for _ in range(4)]
            print("at work", flush=True)
            wait(left)
    """
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(code))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])}
    driver = subprocess.Popen([sys.executable, script, kind], stdout=subprocess.PIPE, env=environment)
    assert driver.stdout.readline() == b"at work\n"
    workers = psutil.Process(driver.pid).children(recursive=True)
    assert len(workers) >= 2
    driver.kill()
    driver.wait()
    _, alive = psutil.wait_procs(workers, timeout=120)
    for left in alive:
        left.kill()
    assert not alive, "they would have worked on for an hour"


def test_an_unknown_executor_lists_the_known_ones():
    with pytest.raises(
        ValidationError, match="executor.kind is 'threads', but must be one of: dask, inline, processes"
    ):
        executor_settings("threads")


def test_a_worker_process_without_a_context_says_so():
    with pytest.raises(TrainingFailedError, match="holds no context"):
        processes._do(len)
