"""The parts of the executor ``dask`` that run on workers and in the watch, each alone and in this process."""

import operator
import threading
from types import SimpleNamespace

import pytest

pytest.importorskip("distributed", reason="the extra dask is not installed")

from mf_nas_kd.errors import SchedulerError, WorkerStartError
from mf_nas_kd.workers.dask import watch, worker
from mf_nas_kd.workers.dask.tasks import SentTasks
from mf_nas_kd.workers.dask.watch import WorkerWatch
from mf_nas_kd.workers.dask.worker import HoldContext, run_task


class OnlyHere:
    """A value that can be pickled, but not unpickled."""

    def __reduce__(self):
        return operator.truediv, (1, 0)


def a_worker(resources=None, **plugins):
    state = SimpleNamespace(total_resources=resources or {})
    return SimpleNamespace(address="tcp://here:1", state=state, plugins=plugins)


class Connection:
    """A connection whose scheduler first does not answer, then says that there are two workers, then is lost."""

    address = "tcp://there:2"

    def __init__(self):
        self.client = SimpleNamespace(status="running")
        self.asked = 0

    def count_able(self):
        self.asked += 1
        if self.asked == 1:
            raise OSError("no answer")
        self.client.status = "closed"
        return 2


def test_a_worker_without_the_resources_holds_no_context():
    hold = HoldContext("study", {"images": 1}, {"GPU": 1})
    hold.setup(a_worker())
    assert hold.context is None
    hold.setup(a_worker({"GPU": 1}))
    assert hold.context == {"images": 1}


def test_a_context_that_cannot_be_unpickled_is_an_error_that_names_the_worker(monkeypatch):
    hold = HoldContext("study", OnlyHere(), {})
    with pytest.raises(
        WorkerStartError, match=r"the worker tcp://here:1 .* cannot take the context: ZeroDivisionError"
    ):
        hold.setup(a_worker())
    monkeypatch.setattr(worker, "get_worker", lambda: a_worker(study=hold))
    with pytest.raises(WorkerStartError, match=r"cannot take the context: ZeroDivisionError"):
        run_task("study", 0, 60.0, print)


def test_a_worker_of_another_scheduler_runs_no_task(monkeypatch):
    monkeypatch.setattr(worker, "get_worker", a_worker)
    with pytest.raises(WorkerStartError, match="it joined another scheduler"):
        run_task("study", 0, 60.0, print)


def test_the_watch_survives_a_scheduler_that_does_not_answer_and_reports_one_that_is_lost(monkeypatch):
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_CHECKS", 0.01)
    ended, counts, errors = threading.Event(), [], []
    tasks = SimpleNamespace(end_all=lambda error: (errors.append(error), ended.set()))
    monkeypatch.setattr(WorkerWatch, "_check", lambda self, able: None)
    over = WorkerWatch(Connection(), tasks, counts.append)
    assert ended.wait(60)
    over.close()
    assert counts == [2]
    assert isinstance(errors[0], SchedulerError)
    assert "tcp://there:2 was lost" in str(errors[0])


def test_a_late_message_of_a_task_that_has_ended_changes_nothing():
    tasks = SentTasks(connection=SimpleNamespace(), name="study")
    assert tasks.count_begun(7) == 0
    tasks._end(7, SchedulerError("lost"))
    assert len(tasks) == 0


def test_a_task_ends_also_where_the_next_one_cannot_be_sent():
    sent = SimpleNamespace(add_done_callback=lambda _: None)
    client = SimpleNamespace(submit=lambda *_, **__: sent)
    tasks = SentTasks(SimpleNamespace(client=client, resources={}), name="study")
    first = tasks.add(60.0, print)
    tasks._tasks[0].alone = True  # the second one waits for its end
    second = tasks.add(60.0, print)
    client.submit = None  # the connection is lost
    with pytest.raises(TypeError):
        tasks._receive(0, SimpleNamespace(result=lambda: 5))
    assert first.result(timeout=1) == 5
    tasks.end_all(SchedulerError("lost"))
    assert isinstance(second.exception(timeout=1), SchedulerError)
