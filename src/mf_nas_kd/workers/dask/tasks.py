"""The tasks that were sent to a scheduler and have not ended, with their attempts and the faults of their workers."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from threading import RLock
from typing import Any

import distributed
from distributed.scheduler import KilledWorker

from mf_nas_kd.errors import MachineFaultError, SchedulerError
from mf_nas_kd.workers.dask.connection import Connection
from mf_nas_kd.workers.dask.worker import run_task
from mf_nas_kd.workers.executor import ATTEMPTS, TaskFuture
from mf_nas_kd.workers.faults import given_up


@dataclass
class _Task:
    """A task that has not ended.

    Attributes:
        call: Time limit, function and arguments.
        result: Future that the driver waits for.
        begun: Number of times that a worker began it.
        begun_at: Time of the last beginning; None while it waits.
        faults: Number of workers that ended while it was assigned to them, also before its turn.
        fault: The last fault that a worker told of.
        alone: Whether it runs, or is to run, while no other task does.
        sent: Dask's future; dask drops a task without a reference to its future.
    """

    call: tuple[Any, ...]
    result: TaskFuture[Any] = field(default_factory=TaskFuture)
    begun: int = 0
    begun_at: float | None = None
    faults: int = 0
    fault: MachineFaultError | None = None
    alone: bool = False
    sent: distributed.Future[Any] | None = None


class SentTasks:
    """Sends tasks to the workers of a scheduler, and ends their futures.

    Dask attributes the death of a worker to all tasks that were assigned to it, also to those that waited for their
    turn. Therefore workers report every task that they begin, and a task that dask gives up is sent again. One that was
    begun as often as is allowed, or met many ends of workers without a beginning, is sent a last time when no other
    task is at the scheduler.

    Args:
        connection: Connection to the scheduler.
        name: Name of the context on the workers.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._tasks: dict[int, _Task] = {}
        self._numbers = count()
        self._to_send: deque[int] = deque()
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, *call: Any) -> TaskFuture[Any]:
        """Send a task, given as time limit, function and arguments."""
        with self._lock:
            number = next(self._numbers)
            task = self._tasks[number] = _Task(call)
            task.result.set_running_or_notify_cancel()
            self._to_send.append(number)
            self._send()
        return task.result

    def count_begun(self, number: int) -> int:
        """Count that a worker begins a task; returns how often it was begun, 0 if it has ended."""
        with self._lock:
            task = self._tasks.get(number)
            if task is None:
                return 0
            _lose(task)
            task.begun += 1
            task.begun_at = time.perf_counter()
            return task.begun

    def note_fault(self, number: int, fault: MachineFaultError) -> None:
        """Keep the reason why the worker of a task ends."""
        with self._lock:
            if number in self._tasks:
                self._tasks[number].fault = fault

    def end_all(self, error: BaseException) -> None:
        """End all tasks with an error."""
        with self._lock:
            self._to_send.clear()
            for number in list(self._tasks):
                self._end(number, error)

    def _send(self) -> None:
        """Send all waiting tasks; one that is to run alone waits until no other is at the scheduler."""
        at_scheduler = [task for task in self._tasks.values() if task.sent is not None]
        while self._to_send and not any(task.alone for task in at_scheduler):
            task = self._tasks.get(self._to_send[0])
            if task is not None and task.alone and at_scheduler:
                return
            number = self._to_send.popleft()
            if task is None:
                continue
            resources = self._connection.resources or None
            submit = self._connection.client.submit
            task.sent = submit(run_task, self._name, number, *task.call, pure=False, resources=resources)
            task.sent.add_done_callback(partial(self._receive, number))
            at_scheduler.append(task)

    def _receive(self, number: int, sent: distributed.Future[Any]) -> None:
        """A task has ended; called in a thread of dask."""
        if number not in self._tasks:
            return
        try:
            result = sent.result()
        except KilledWorker as error:
            self._retry(number, faults=error.allowed_failures + 1)
        except MachineFaultError as fault:
            self.note_fault(number, fault)
            self._retry(number, faults=1)
        except CancelledError:
            address = self._connection.address
            self._end(number, SchedulerError(f"the scheduler {address} was lost: it ended, or its network did"))
        except Exception as error:  # a future passes its exception on to the caller of result()
            self._end(number, error)
        else:
            self._end(number, None, result)

    def _retry(self, number: int, faults: int) -> None:
        with self._lock:
            task = self._tasks.get(number)
            if task is None:
                return
            task.faults += faults
            task.sent = None
            _lose(task)
            if task.alone:
                self._end(number, given_up(task.fault or MachineFaultError("its worker process died", True)))
                return
            task.alone = task.begun >= ATTEMPTS - 1 or task.faults >= ATTEMPTS**2
            (self._to_send.appendleft if task.alone else self._to_send.append)(number)
            self._send()

    def _end(self, number: int, error: BaseException | None, result: Any = None) -> None:
        with self._lock:
            task = self._tasks.pop(number, None)
        if task is None:
            return
        if error is None:
            task.result.set_result(result)
        else:
            task.result.set_exception(error)
        with self._lock:  # after the future has ended: a connection that is lost may refuse to send
            self._send()


def _lose(task: _Task) -> None:
    """Count the time of an attempt that a fault has ended."""
    if task.begun_at is not None:
        task.result.lost_seconds += time.perf_counter() - task.begun_at
        task.begun_at = None
