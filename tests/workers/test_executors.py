"""Every executor keeps what the protocol promises."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import wait
from threading import TIMEOUT_MAX, Event
from types import ModuleType

import psutil
import pytest
import torch
from pydantic import ValidationError

from mf_nas_kd.errors import MachineFaultError, TrainingFailedError, WorkerStartError
from mf_nas_kd.records import EvaluationRequest
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.studies.runner import evaluate
from mf_nas_kd.workers import EXECUTORS, TimeLimit, open_executor, processes
from mf_nas_kd.workers.faults import fault_of
from mf_nas_kd.workers.worker_process import _interrupts_held_back
from tests.fakes import FakeEvaluator, executor_settings
from tests.workers import faulty

PROCESSES = [kind for kind in EXECUTORS if kind != "inline"]
PATIENCE = 600
"""Seconds to wait for what takes a few here: workers that start on a loaded machine."""


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
    assert "given up after 3 attempts, the last one alone on a fresh worker" in found[1].error


@pytest.mark.parametrize("kind", PROCESSES)
def test_a_worker_whose_gpu_breaks_takes_no_other_training_with_it(kind, requests, tmp_path):
    found = run(requests, FakeEvaluator(breaks_gpu=tmp_path / "process", delay=0.05), tmp_path, kind)
    assert (tmp_path / "process").exists(), "nothing was broken: the test would prove nothing"
    assert all(evaluation.finished for evaluation in found)


class CannotArrive(FakeEvaluator):
    def __reduce__(self):
        return open, ("/nowhere/at all",)


@pytest.mark.parametrize("kind", PROCESSES)
def test_workers_that_cannot_start_end_the_run_and_leave_no_record(kind, requests, tmp_path):
    with pytest.raises(WorkerStartError, match="/nowhere/at all"):
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


# ---------------------------------------------------------------- faults of machines

OF_THE_TASK = {
    "memory": (faulty.out_of_memory, "MemoryError"),
    "memory of a GPU": (faulty.out_of_gpu_memory, "CUDA out of memory"),
    "broken GPU": (faulty.broken_gpu, "illegal memory access"),
    "sys.exit": (faulty.leave, "SystemExit: 3"),
    "no Exception": (faulty.end_generator, "GeneratorExit"),
    "killed": (faulty.die, "SIGKILL|died"),
    "hangs": (faulty.hang, "no result after 2 s; see executor.timeout_factor"),
}


@pytest.fixture(scope="module", params=PROCESSES)
def workers(request):
    """An executor with two workers, whose tasks may take two seconds."""
    with open_executor(executor_settings(request.param, timeout_seconds=2), 10) as opened:
        yield opened


@pytest.mark.parametrize("fault", OF_THE_TASK)
def test_what_may_be_the_tasks_own_fault_is_given_up_after_three_attempts(workers, fault, tmp_path):
    task, reason = OF_THE_TASK[fault]
    given_up = workers.submit(task, tmp_path)
    beside = [workers.submit(faulty.sound, number) for number in range(4)]
    with pytest.raises(TrainingFailedError, match=f"(?s)after 3 attempts, the last one alone on a fresh.*({reason})"):
        given_up.result(timeout=PATIENCE)
    assert [future.result(timeout=PATIENCE) for future in beside] == [10, 11, 12, 13]
    assert len({*faulty.processes(tmp_path)}) == len(faulty.processes(tmp_path)) == 3, "a fresh worker each time"
    assert given_up.lost_seconds > (5.9 if fault == "hangs" else 0)


@pytest.mark.parametrize(
    ("error", "may_be_the_tasks"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (torch.AcceleratorError("an error of the device"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), True),
        (MemoryError(), True),
        (RuntimeError("No CUDA GPUs are available"), True),
        (RuntimeError("CUDA driver error: unknown error"), True),
        (RuntimeError("cusparse error: CUSPARSE_STATUS_EXECUTION_FAILED"), True),
        (RuntimeError("can't start new thread"), True),
        (SystemExit(1), True),
        (GeneratorExit(), True),
        (RuntimeError("the relationship error of the fields"), None),
        (PermissionError(13, "Permission denied"), False),
        (ConnectionResetError(104, "Connection reset by peer"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied (4x8 and 9x2)"), None),
        (KeyError("alpha"), None),
    ],
    ids=str,
)
def test_exceptions_that_tell_of_a_machine(error, may_be_the_tasks):
    fault = fault_of(error)
    assert (fault.may_be_the_tasks if fault else None) is may_be_the_tasks


@pytest.mark.parametrize("task", [faulty.full_disk, faulty.lost_folder])
def test_what_is_no_tasks_fault_is_tried_again_and_is_not_held_against_it(workers, task, tmp_path):
    future = workers.submit(task, tmp_path)
    with pytest.raises(MachineFaultError, match="after 3 attempts.*(No space left|Stale file)"):
        future.result(timeout=PATIENCE)
    assert len(faulty.processes(tmp_path)) == 3


def test_a_mistake_in_the_code_is_raised_at_once(workers, tmp_path):
    with pytest.raises(KeyError, match="alpha"):
        workers.submit(faulty.mistake, tmp_path).result(timeout=PATIENCE)
    assert len(faulty.processes(tmp_path)) == 1


def test_a_task_that_fails_once_of_its_worker_gives_its_result_and_the_lost_time(workers, tmp_path):
    future = workers.submit(faulty.late_once, tmp_path)
    assert future.result(timeout=PATIENCE) == 10
    assert future.lost_seconds > 1.9


def test_the_last_attempt_is_made_while_no_other_task_runs(workers, tmp_path):
    beside = [workers.submit(faulty.busy, tmp_path, 0.3) for _ in range(4)]
    given_up = workers.submit(faulty.out_of_memory, tmp_path)
    beside += [workers.submit(faulty.busy, tmp_path, 0.3) for _ in range(8)]
    assert isinstance(given_up.exception(timeout=PATIENCE), TrainingFailedError)
    wait(beside, timeout=PATIENCE)
    alone = faulty.beginnings(tmp_path)[-1]
    assert not [span for span in (future.result() for future in beside) if span[0] < alone < span[1]]


def test_a_stopped_worker_is_replaced(tmp_path):
    with open_executor(executor_settings("processes", timeout_seconds=2), 10) as workers:
        assert workers.submit(faulty.stop_once, tmp_path).result(timeout=PATIENCE) == 10


def test_the_time_limit_goes_by_the_expected_time():
    limit = TimeLimit(factor=20, seconds=1000)
    assert [limit.of(expected) for expected in (None, 0.1, 10, 100)] == [1000, 60, 200, 1000]


def test_inline_says_that_other_executors_try_again(tmp_path):
    with open_executor(executor_settings("inline"), 10) as workers:
        error = workers.submit(faulty.leave, tmp_path).exception()
    assert isinstance(error, MachineFaultError)
    assert "executor.kind=processes" in str(error)


def test_an_exception_that_cannot_be_pickled_arrives_as_its_text():
    with open_executor(executor_settings("processes", workers=1), 10) as workers:
        error = workers.submit(faulty.unsendable).exception(timeout=PATIENCE)
    assert str(error) == "Unsendable: no pickle of mine"


def test_an_interrupted_run_does_not_wait_for_its_tasks(tmp_path):
    workers = open_executor(executor_settings("processes"), 10)
    left = [workers.submit(faulty.hang, tmp_path) for _ in range(4)]
    while len(faulty.processes(tmp_path)) < 2:
        time.sleep(0.05)
    interrupt = KeyboardInterrupt()
    workers.__exit__(type(interrupt), interrupt, None)  # what a with statement does
    assert all(future.done() for future in left)


def test_an_interrupted_run_does_not_wait_for_workers_that_start(tmp_path):
    workers = open_executor(executor_settings("processes", workers=1), faulty.NeverThere(tmp_path))
    left = workers.submit(faulty.sound, 1)
    while not faulty.processes(tmp_path):
        time.sleep(0.05)
    workers.close(at_once=True)
    assert left.done()
    assert len(faulty.processes(tmp_path)) == 1, "another worker was started"


def test_a_task_of_an_interrupted_run_does_not_begin_again(tmp_path, monkeypatch):
    workers = open_executor(executor_settings("processes", workers=1, timeout_seconds=60), 10)
    ended_by_a_fault = Event()

    def wait_until_closed(*_):
        ended_by_a_fault.set()
        while not workers._closing:
            time.sleep(0.01)

    monkeypatch.setattr(processes.logger, "warning", wait_until_closed)
    left = workers.submit(faulty.die_once, tmp_path)
    assert ended_by_a_fault.wait(PATIENCE)
    workers.close(at_once=True)
    assert len(faulty.processes(tmp_path)) == 1
    assert left.done()


def test_a_task_that_workers_cannot_import_is_a_mistake_and_no_fault(monkeypatch):
    here_only = ModuleType("here_only")
    exec("def task(context): pass", here_only.__dict__)
    monkeypatch.setitem(sys.modules, "here_only", here_only)
    with open_executor(executor_settings("processes", workers=1), 10) as workers:
        error = workers.submit(here_only.task).exception(timeout=PATIENCE)
    assert isinstance(error, ModuleNotFoundError)


@pytest.mark.parametrize("seconds", [1e12, float("inf")])
def test_a_time_limit_without_end_is_one_that_a_timer_takes(seconds):
    assert TimeLimit(factor=20, seconds=seconds).of(None) == TIMEOUT_MAX


def test_an_interrupt_does_not_reach_a_worker_that_is_starting():
    def held_back():
        return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())

    with _interrupts_held_back():
        inside = held_back()
    assert inside
    assert not held_back()
