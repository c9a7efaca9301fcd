"""Executor with local worker processes."""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Concatenate

from mf_nas_kd.cores import default_workers
from mf_nas_kd.errors import MachineFaultError, WorkerStartError
from mf_nas_kd.workers.executor import ATTEMPTS, Context, Executor, Result, TaskFuture, TimeLimit
from mf_nas_kd.workers.faults import given_up
from mf_nas_kd.workers.turns import Turns
from mf_nas_kd.workers.worker_process import WorkerProcess

logger = logging.getLogger(__name__)


class ProcessExecutor(Executor[Context]):
    """Local processes, assigned to the GPUs round robin; a thread of the driver waits for each.

    Args:
        context: Any value that can be pickled.
        workers: Number of processes; None for one per CPU core, or at most four per GPU.
        time_limit: How long a task may take.
    """

    def __init__(self, context: Context, workers: int | None, time_limit: TimeLimit) -> None:
        count = workers or default_workers()
        self.in_flight = 2 * count
        self._context = pickle.dumps(context)
        self._time_limit = time_limit
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._turns = Turns()
        self._to_start = list(range(count))
        self._idle: SimpleQueue[int] = SimpleQueue()
        self._workers: dict[int, WorkerProcess] = {}
        self._closing = False

    def submit(
        self,
        task: Callable[Concatenate[Context, ...], Result],
        *arguments: Any,
        expected_seconds: float | None = None,
    ) -> TaskFuture[Result]:
        while self._to_start:  # all in parallel with the first task: each imports for seconds
            self._threads.submit(self._start, self._to_start.pop())
        future: TaskFuture[Result] = TaskFuture()
        limit = self._time_limit.of(expected_seconds)
        begun = self._threads.submit(self._run, future, task, arguments, limit)
        begun.add_done_callback(lambda thread: _cancel_with(thread, future))
        return future

    def close(self, at_once: bool = False) -> None:
        self._closing = at_once
        for worker in list(self._workers.values()) if at_once else ():
            worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers.values():
            worker.end()

    def _start(self, slot: int) -> None:
        try:
            self._ready(slot)
        except (WorkerStartError, CancelledError):
            pass  # the next task, if there is one, meets the same failure and reports it
        finally:
            self._idle.put(slot)

    def _run(
        self,
        future: TaskFuture[Result],
        task: Callable[Concatenate[Context, ...], Result],
        arguments: tuple[Any, ...],
        limit: float,
    ) -> None:
        slot = self._idle.get()
        try:
            result = self._attempts(slot, future, task, arguments, limit)
        except BaseException as error:  # a future passes its exception on to the caller of result()
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            self._idle.put(slot)

    def _attempts(
        self,
        slot: int,
        future: TaskFuture[Result],
        task: Callable[Concatenate[Context, ...], Result],
        arguments: tuple[Any, ...],
        limit: float,
    ) -> Result:
        for number in range(1, ATTEMPTS + 1):
            with self._turns.turn(alone=number == ATTEMPTS):
                worker = self._ready(slot)
                begun = time.perf_counter()
                try:
                    return worker.run(task, arguments, limit)
                except MachineFaultError as found:
                    fault = found
                    future.lost_seconds += time.perf_counter() - begun
                    worker.end()
            if number < ATTEMPTS and not self._closing:
                logger.warning("Attempt %d of %d ended by a fault, a fresh worker starts: %s", number, ATTEMPTS, fault)
        raise given_up(fault)

    def _ready(self, slot: int) -> WorkerProcess:
        """The worker of a slot; a new one, which is tried twice, if there is none or it has ended.

        Raises:
            CancelledError: If the executor is closed at once.
        """
        worker = self._workers.get(slot)
        if worker is not None and worker.alive:
            return worker
        try:
            return self._started(slot)
        except WorkerStartError:
            return self._started(slot)

    def _started(self, slot: int) -> WorkerProcess:
        if self._closing:
            raise CancelledError
        worker = self._workers[slot] = WorkerProcess(slot)
        if self._closing:  # close() may have killed the others before this one was there
            worker.kill()
        worker.take(self._context)
        return worker


def _cancel_with(thread: Future[None], future: TaskFuture[Any]) -> None:
    if thread.cancelled():
        future.cancel()
        future.set_running_or_notify_cancel()
