"""Executor with local worker processes, which are spawned because CUDA does not survive a fork.

Every worker is a pool of one process, and gets one task at a time. A pool of several processes of the standard library
breaks as a whole when one of them dies, and does not say which task killed it.
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
    """Local processes, assigned to the GPUs round robin. A task whose worker dies starts again, at most three times.

    Args:
        context: Any value that can be pickled.
        workers: Number of processes; None for one per CPU core, or at most four per GPU.
    """

    def __init__(self, context: Context, workers: int | None) -> None:
        count = workers or default_workers()
        self.in_flight = 2 * count
        self._context = context
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._idle: SimpleQueue[tuple[int, ProcessPoolExecutor | None]] = SimpleQueue()
        self._to_start = list(range(count))

    def submit(self, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Future[Result]:
        while self._to_start:  # all in parallel with the first task: each imports for seconds
            self._threads.submit(self._start, self._to_start.pop())
        return self._threads.submit(self._run, task, *arguments)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._idle.empty():
            _, worker = self._idle.get()
            if worker is not None:
                worker.shutdown()

    def _start(self, slot: int) -> None:
        worker = None
        try:
            worker = self._open_worker(slot)
            worker.submit(_ready).result()
        finally:  # the next task meets the same failure, and reports it
            self._idle.put((slot, worker))

    def _open_worker(self, slot: int) -> ProcessPoolExecutor:
        """Make the pool of a worker; its process starts with the first task."""
        return ProcessPoolExecutor(1, get_context("spawn"), _hold, (self._context, slot))

    def _run(self, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Result:
        slot, worker = self._idle.get()
        try:
            for death in range(1, ALLOWED_DEATHS + 1):
                worker = self._started(slot, worker)
                try:
                    return worker.submit(_do, task, *arguments).result()
                except BrokenProcessPool:
                    worker = None
                    logger.warning("A worker process died (death %d in this task); another one starts", death)
            raise TrainingFailedError(f"given up after {ALLOWED_DEATHS} deaths of its worker process")
        finally:
            self._idle.put((slot, worker))

    def _started(self, slot: int, worker: ProcessPoolExecutor | None) -> ProcessPoolExecutor:
        """A worker that holds the context: this one, or a new one if there is none or it died between tasks.

        Raises:
            WorkerStartError: If a new process dies before its first task, which is the fault of no training.
        """
        for _ in range(2):
            worker = worker or self._open_worker(slot)
            try:
                worker.submit(_ready).result()
            except BrokenProcessPool:
                worker = None
            else:
                return worker
        raise WorkerStartError(
            "a worker process ends before it can begin; its error message is above (with executor.kind=inline, this "
            "process raises it)"
        )


def _hold(context: Context, slot: int) -> None:
    """Initialise a worker process: keep the context, end with the driver, and take a GPU."""
    global _held
    _held = context
    end_with_driver()
    use_gpu(slot)


def _ready() -> bool:
    return _held is not None


def _do(task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Result:
    if _held is None:
        raise TrainingFailedError("this worker process holds no context")
    return task(_held, *arguments)
