"""The executor ``dask`` on a scheduler and workers that the real commands start."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import wait
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

pytest.importorskip("distributed", reason="the extra dask is not installed")

from distributed import Client

from mf_nas_kd.errors import (
    InvalidValueError,
    MissingPackageError,
    SchedulerError,
    TrainingFailedError,
    WorkerStartError,
)
from mf_nas_kd.images import SubsetOrder, load_images
from mf_nas_kd.records import EvaluationRequest
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.studies.runner import evaluate
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.workers import dask, open_executor
from mf_nas_kd.workers.dask import connection, local, watch
from tests.fakes import FakeEvaluator, executor_settings, process, visible_gpus

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])}
MEASURED = ["cost_seconds", "lost_seconds", "finished_at"]
PATIENCE = 300
"""Seconds to wait for what takes one or two here: a process that starts on a loaded machine."""


class Machines:
    """A scheduler, and workers beside it."""

    def __init__(self, folder):
        self.processes = []
        found = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--dashboard-address",
            "127.0.0.1:0",
            "--scheduler-file",
            found,
        )
        wait_until(found.exists)
        wait_until(lambda: found.read_text().strip())
        self.address = json.loads(found.read_text())["address"]

    def worker(self, *options):
        return self._start("worker", self.address, "--no-dashboard", *options)

    def pids(self):
        with Client(self.address, set_as_default=False) as client:
            return client.run(os.getpid)

    def wait_for_workers(self, count):
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=PATIENCE)

    def held(self):
        """Names of the evaluators that workers hold."""
        with Client(self.address, set_as_default=False) as client:
            plugins = client.run(lambda dask_worker: [name for name in dask_worker.plugins if "mf_nas_kd" in name])
            return sorted(name for names in plugins.values() for name in names)

    def stop(self):
        for started in self.processes:
            started.kill()
        for started in self.processes:
            started.wait(timeout=PATIENCE)

    def _start(self, *command):
        self.processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                env=ENVIRONMENT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return self.processes[-1]


def wait_until(true, seconds=PATIENCE):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    monkeypatch.setattr(connection, "SECONDS_TO_CONNECT", PATIENCE)
    monkeypatch.setattr(connection, "SECONDS_FOR_THE_FIRST_WORKER", PATIENCE)


@pytest.fixture
def machines(tmp_path):
    """A scheduler without workers."""
    found = Machines(tmp_path)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    """A scheduler with two workers, of which one offers a licence and has two threads."""
    found = Machines(tmp_path_factory.mktemp("machines"))
    found.worker("--nthreads", "1", "--memory-limit", "0", "--no-nanny")
    found.worker("--nthreads", "2", "--resources", "licence=1", "--no-nanny")
    found.wait_for_workers(2)
    yield found
    found.stop()


def connect(machines, evaluator, **resources):
    return open_executor(executor_settings("dask", None, machines.address, resources), evaluator)


def store_of(requests, evaluator, workers, url, on_new=lambda _: None):
    store = EvaluationStore(url)
    run_evaluations(requests, evaluator, workers, store, on_new, retry_failed=False, show_progress=False)
    return store.table().sort_values("key", ignore_index=True)


def test_two_drivers_do_not_disturb_each_other_and_leave_nothing(two_workers, architectures, short):
    request = EvaluationRequest(architectures[0], short, 0)
    with connect(two_workers, FakeEvaluator()) as one:
        with connect(two_workers, FakeEvaluator(broken=[request.architecture.id])) as other:
            assert len(two_workers.held()) == 4
            assert isinstance(other.submit(evaluate, request).exception(timeout=PATIENCE), RuntimeError)
        assert one.submit(evaluate, request).result(timeout=PATIENCE).finished
    wait_until(lambda: two_workers.held() == [])


def test_a_worker_does_one_task_at_a_time_and_more_threads_are_advised_against(two_workers, caplog):
    with connect(two_workers, FakeEvaluator(), licence=0.5) as workers:
        assert workers.in_flight == 2
        futures = [workers.submit(process, 0.2) for _ in range(3)]
        found = sorted(future.result(timeout=PATIENCE) for future in futures)
    assert len({pid for pid, _, _ in found}) == 1
    assert all(end <= begun for (_, _, end), (_, begun, _) in pairwise(found))
    assert caplog.text.count("--nthreads 1") == 1


def test_a_resource_that_no_worker_offers_is_an_error_at_once(two_workers, monkeypatch):
    monkeypatch.setattr(connection, "SECONDS_FOR_THE_FIRST_WORKER", float("inf"))
    with pytest.raises(
        InvalidValueError, match=r"executor.options.dask.resources is {'GPU': 1.0}, but must be what .*{'licence': 1.0}"
    ):
        connect(two_workers, FakeEvaluator(), GPU=1)


def test_a_worker_that_lacks_the_images_ends_the_run_and_is_named(two_workers, settings, tmp_path):
    images = load_images("digits", 0.25, 0.25, seed=0, folder=tmp_path)
    evaluator = TrainingEvaluator(images, SubsetOrder.draw(images.train, seed=0), settings, None)
    images.collection.path.unlink()
    with pytest.raises(WorkerStartError, match=rf"worker tcp://.*No such file.*{images.collection.path.name}"):
        connect(two_workers, evaluator)


def test_other_versions_on_a_worker_are_said(two_workers, monkeypatch, caplog):
    here = {**watch.versions(), "torch": "1.0"}
    monkeypatch.setattr(watch, "versions", lambda: here)
    with connect(two_workers, FakeEvaluator()) as workers:
        workers.submit(process).result(timeout=PATIENCE)
    assert "this process has 1.0: results may differ" in caplog.text


# The last that uses these workers: afterwards there is one.
def test_with_a_worker_killed_in_mid_training_the_table_is_that_of_inline(
    two_workers, evaluator, architectures, short, tmp_path, caplog
):
    longer = replace(short, train_fraction=Fraction(1), epochs=2)
    fidelities = [replace(longer, distillation=distillation) for distillation in ("none", "kd")]
    requests = [EvaluationRequest(a, fidelity, 0) for a in architectures[:2] for fidelity in fidelities]
    with open_executor(executor_settings("inline"), evaluator) as workers:
        expected = store_of(requests, evaluator, workers, f"sqlite:///{tmp_path}/inline.db")
    to_kill = list(two_workers.pids().values())[:1]

    def kill(_):
        while to_kill:
            os.kill(to_kill.pop(), signal.SIGKILL)

    with connect(two_workers, evaluator) as workers:
        found = store_of(requests, evaluator, workers, f"sqlite:///{tmp_path}/dask.db", kill)
    assert "starts again" in caplog.text, "nothing was killed in mid-training: the test would prove nothing"
    assert (found["status"] == "finished").all()
    assert found["lost_seconds"].max() > 0
    assert found.drop(columns=MEASURED).equals(expected.drop(columns=MEASURED))


def test_no_worker_is_an_error_that_says_how_to_start_one_and_one_that_comes_later_works(machines, monkeypatch):
    monkeypatch.setattr(connection, "SECONDS_FOR_THE_FIRST_WORKER", 0.5)
    with pytest.raises(WorkerStartError, match=f"has no worker.*dask worker {machines.address} --nthreads 1"):
        connect(machines, FakeEvaluator())
    monkeypatch.setattr(connection, "SECONDS_FOR_THE_FIRST_WORKER", PATIENCE)
    machines.worker("--nthreads", "1", "--no-nanny")
    with connect(machines, FakeEvaluator()) as workers:
        assert workers.in_flight == 2
        machines.worker("--nthreads", "1", "--no-nanny")
        wait_until(lambda: workers.in_flight == 4)
        futures = [workers.submit(process, 0.3) for _ in range(4)]
        assert len({future.result(timeout=PATIENCE)[0] for future in futures}) == 2


def test_a_wait_without_workers_is_not_silent_and_ends_when_one_comes(machines, monkeypatch, caplog):
    monkeypatch.setattr(watch, "SECONDS_WITHOUT_WORKERS", 0.5)
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_CHECKS", 0.1)
    only = machines.worker("--nthreads", "1", "--no-nanny")
    with connect(machines, FakeEvaluator()) as workers:
        only.kill()
        future = workers.submit(process)
        wait_until(lambda: "wait until somebody starts one" in caplog.text)
        machines.worker("--nthreads", "1", "--no-nanny")
        assert future.result(timeout=PATIENCE)


def test_a_lost_scheduler_is_an_error(machines):
    machines.worker("--nthreads", "1", "--no-nanny")
    with connect(machines, FakeEvaluator()) as workers:
        futures = [workers.submit(process, 60) for _ in range(2)]
        machines.scheduler.kill()
        wait(futures, timeout=PATIENCE)
        for future in futures:
            with pytest.raises(SchedulerError, match="was lost"):
                future.result(timeout=0)


def test_an_address_where_nobody_answers_is_an_error(monkeypatch):
    monkeypatch.setattr(connection, "SECONDS_TO_CONNECT", 1)
    with pytest.raises(
        SchedulerError, match="executor.options.dask.scheduler=tcp://127.0.0.1:9.*start one: dask scheduler"
    ):
        open_executor(executor_settings("dask", None, "tcp://127.0.0.1:9"), FakeEvaluator())


def test_local_workers_have_a_gpu_each(monkeypatch):
    monkeypatch.setattr(local, "visible_gpus", lambda: ["3", "5"])
    with open_executor(executor_settings("dask", None, resources={"GPU": 1}), FakeEvaluator()) as workers:
        assert workers.in_flight == 4
        futures = [workers.submit(visible_gpus) for _ in range(4)]
        assert {future.result(timeout=PATIENCE) for future in futures} == {"3", "5"}


def test_a_task_that_only_waited_behind_a_killer_is_not_blamed(architectures, short):
    killer, other = (EvaluationRequest(architecture, short, 0) for architecture in architectures[:2])
    evaluator = FakeEvaluator(always_deadly=[killer.architecture.id], delay=0.2)
    with open_executor(executor_settings("dask", 1), evaluator) as workers:
        given_up, finished = workers.submit(evaluate, killer), workers.submit(evaluate, other)
        with pytest.raises(
            TrainingFailedError, match="given up after 3 attempts, the last one alone on a fresh worker"
        ):
            given_up.result(timeout=PATIENCE)
        assert finished.result(timeout=PATIENCE).finished


def test_local_workers_that_cannot_come_back_are_an_error(monkeypatch):
    monkeypatch.setattr(watch, "SECONDS_WITHOUT_WORKERS", 0.5)
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_CHECKS", 0.1)
    with open_executor(executor_settings("dask", 1, resources={}), FakeEvaluator()) as workers:
        future = workers.submit(process, 60)
        monkeypatch.setattr(workers._connection, "offered", dict)
        with pytest.raises(WorkerStartError, match="end before they can begin"):
            future.result(timeout=PATIENCE)


def test_dask_says_nothing_also_where_the_main_module_configures_logging(tmp_path):
    code = """
        import logging
        logging.basicConfig(level=logging.INFO)
        from mf_nas_kd.workers import open_executor
        from tests.fakes import FakeEvaluator, executor_settings, process
        if __name__ == "__main__":
            with open_executor(executor_settings("dask", 1), FakeEvaluator()) as workers:
                workers.submit(process).result()
                print(type(workers.submit(process, "no number").exception()))
    """
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(code))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert "TypeError" in done.stdout
    lines = done.stderr.splitlines()
    assert lines
    assert not [line for line in lines if not line.startswith("INFO:mf_nas_kd")]


def test_without_the_extra_the_message_names_it(monkeypatch):
    monkeypatch.setattr(dask, "find_spec", lambda package: None)
    with pytest.raises(MissingPackageError, match=r"distributed.*pip install 'mf-nas-kd\[dask\]'"):
        open_executor(executor_settings("dask"), FakeEvaluator())
