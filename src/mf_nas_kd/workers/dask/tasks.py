"""The tasks that were sent to a scheduler and have not ended, with their attempts and the deaths of their workers."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import distributed
from distributed.scheduler import KilledWorker

from mf_nas_kd.errors import SchedulerError, TrainingFailedError
from mf_nas_kd.workers.dask.connection import Connection
from mf_nas_kd.workers.dask.worker import run_task
from mf_nas_kd.workers.executor import ALLOWED_DEATHS


@dataclass
class _Task:
    """A task that has not ended.

    Attributes:
        call: Function and arguments.
        result: Future that the driver waits for.
        begun: Number of times that a worker began it.
        deaths: Number of workers that died while it was assigned to them, also before its turn.
        sent: Dask's future; dask drops a task without a reference to its future.
    """

    call: tuple[Any, ...]
    result: Future[Any]
    begun: int = 0
    deaths: int = 0
    sent: distributed.Future[Any] | None = None


class SentTasks:
    """Sends tasks to the workers of a scheduler, and ends their futures.

    Dask attributes the death of a worker to all tasks that were assigned to it, also to those that waited for their
    turn. Therefore workers report every task that they begin, and a task that dask gives up is sent again until it has
    begun ``ALLOWED_DEATHS`` times.

    Args:
        connection: Connection to the scheduler.
        name: Name of the context on the workers.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._tasks: dict[int, _Task] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, *call: Any) -> Future[Any]:
        """Send a task, given as function and arguments."""
        result: Future[Any] = Future()
        result.set_running_or_notify_cancel()
        number = next(self._numbers)
        self._tasks[number] = _Task(call, result)
        self._send(number)
        return result

    def count_begun(self, number: int) -> int:
        """Count that a worker begins a task; returns how often it was begun, 0 if it has ended."""
        task = self._tasks.get(number)
        if task is None:
            return 0
        task.begun += 1
        return task.begun

    def end_all(self, error: BaseException) -> None:
        """End all tasks with an error."""
        for number in list(self._tasks):
            self._end(number, error)

    def _send(self, number: int) -> None:
        task = self._tasks[number]
        resources = self._connection.resources or None
        submit = self._connection.client.submit
        task.sent = submit(run_task, self._name, number, *task.call, pure=False, resources=resources)
        task.sent.add_done_callback(partial(self._receive, number))

    def _receive(self, number: int, sent: distributed.Future[Any]) -> None:
        """A task has ended; called in a thread of dask."""
        if number not in self._tasks:
            return
        try:
            result = sent.result()
        except KilledWorker as error:
            self._retry(number, deaths=error.allowed_failures + 1)
        except CancelledError:
            address = self._connection.address
            self._end(number, SchedulerError(f"the scheduler {address} was lost: it ended, or its network did"))
        except Exception as error:  # a future passes its exception on to the caller of result()
            self._end(number, error)
        else:
            self._end(number, None, result)

    def _retry(self, number: int, deaths: int) -> None:
        task = self._tasks[number]
        task.deaths += deaths
        if task.begun >= ALLOWED_DEATHS or task.deaths >= ALLOWED_DEATHS**2:
            self._end(number, TrainingFailedError(f"given up after {task.deaths} deaths of its worker process"))
        else:
            self._send(number)

    def _end(self, number: int, error: BaseException | None, result: Any = None) -> None:
        task = self._tasks.pop(number, None)
        if task is None:
            return
        if error is None:
            task.result.set_result(result)
        else:
            task.result.set_exception(error)
