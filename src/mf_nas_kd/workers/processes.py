"""Local worker processes, started fresh (CUDA does not survive a fork), that hold the context.

Every worker is a pool of one process, and gets one task at a time. The standard library's pool of several breaks as
a whole when one of its processes dies, and cannot tell which task killed it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from queue import SimpleQueue
from typing import Any, Concatenate

from mf_nas_kd.cores import default_workers, end_with_driver, use_gpu
from mf_nas_kd.errors import TrainingFailedError, WorkerStartError
from mf_nas_kd.workers.executor import ALLOWED_DEATHS, Context, Executor, Result

logger = logging.getLogger(__name__)

_held: Any = None
"""The context of this worker process; set once, when it starts."""


class ProcessExecutor(Executor[Context]):
    """Processes beside this one, on the GPUs by turns. A task whose worker dies is begun again, three times at most."""

    def __init__(self, context: Context, workers: int | None) -> None:
        count = workers or default_workers()
        self.in_flight = 2 * count
        self._context = context
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._idle: SimpleQueue[tuple[int, ProcessPoolExecutor | None]] = SimpleQueue()
        self._to_start = list(range(count))

    def submit(self, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Future[Result]:
        while self._to_start:  # all with the first task, side by side: each takes seconds to import what it needs
            self._threads.submit(self._start, self._to_start.pop())
        return self._threads.submit(self._run, task, *arguments)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._idle.empty():
            _, worker = self._idle.get()
            if worker is not None:
                worker.shutdown()

    def _start(self, place: int) -> None:
        worker = None
        try:
            worker = self._open_worker(place)
            worker.submit(_ready).result()
        finally:  # what went wrong, the next task finds out and tells
            self._idle.put((place, worker))

    def _open_worker(self, place: int) -> ProcessPoolExecutor:
        """The process itself starts with its first task."""
        return ProcessPoolExecutor(1, get_context("spawn"), _hold, (self._context, place))

    def _run(self, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Result:
        place, worker = self._idle.get()
        try:
            for death in range(1, ALLOWED_DEATHS + 1):
                worker = self._started(place, worker)
                try:
                    return worker.submit(_do, task, *arguments).result()
                except BrokenProcessPool:
                    worker = None
                    logger.warning("A worker process died, the %d. time in this task; another one starts", death)
            raise TrainingFailedError(f"given up after {ALLOWED_DEATHS} deaths of its worker process")
        finally:
            self._idle.put((place, worker))

    def _started(self, place: int, worker: ProcessPoolExecutor | None) -> ProcessPoolExecutor:
        """A worker that has taken the context: this one, or another if there is none or it died idle.

        Raises:
            WorkerStartError: If a fresh process dies before it can work. This says nothing of any training.
        """
        for _ in range(2):
            worker = worker or self._open_worker(place)
            try:
                worker.submit(_ready).result()
            except BrokenProcessPool:
                worker = None
            else:
                return worker
        raise WorkerStartError(
            "a worker process ends before it can begin; what it said is above (with executor.kind=inline, it would be "
            "said here)"
        )


def _hold(context: Context, place: int) -> None:
    """First act of a worker process: keep the context, end when the driver does, and take a GPU."""
    global _held
    _held = context
    end_with_driver()
    use_gpu(place)


def _ready() -> bool:
    return _held is not None


def _do(task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Result:
    if _held is None:
        raise TrainingFailedError("this worker process holds no context")
    return task(_held, *arguments)
