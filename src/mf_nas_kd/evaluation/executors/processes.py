"""Local worker processes, started fresh (CUDA does not survive a fork), that hold the evaluator.

A worker that dies breaks the standard library's pool as a whole. Here the requests that were running go to a new pool,
and one that was running at three deaths is given up: it is probably what kills.
"""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait

from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.evaluation.evaluator import Evaluator
from mf_nas_kd.evaluation.executors.executor import Executor
from mf_nas_kd.evaluation.record import Evaluation, EvaluationRequest

logger = logging.getLogger(__name__)

ALLOWED_DEATHS = 3

_held: Evaluator | None = None
"""The evaluator of this worker process; set once, when it starts."""


class ProcessExecutor(Executor):
    """A pool of processes that survives the death of a worker."""

    def __init__(self, evaluator: Evaluator, workers: int | None) -> None:
        self._workers = workers or available_cores()
        self.in_flight = 2 * self._workers
        self._evaluator = evaluator
        self._lock = threading.Lock()
        self._closed = False
        self._pool = self._open_pool()

    def submit(self, request: EvaluationRequest) -> Future[Evaluation]:
        outcome: Future[Evaluation] = Future()
        outcome.set_running_or_notify_cancel()
        self._start(request, outcome, deaths=0)
        return outcome

    def close(self) -> None:
        with self._lock:
            self._closed = True
            pool = self._pool
        pool.shutdown(wait=True, cancel_futures=True)

    def _open_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._workers, get_context("spawn"), _hold, (self._evaluator,))

    def _start(self, request: EvaluationRequest, outcome: Future[Evaluation], deaths: int) -> None:
        pool = self._pool
        try:
            running = pool.submit(_evaluate, request)
        except BrokenProcessPool:
            self._replace(pool)
            running = self._pool.submit(_evaluate, request)
        running.add_done_callback(lambda done: self._finish(done, request, outcome, deaths, pool))

    def _finish(
        self,
        done: Future[Evaluation],
        request: EvaluationRequest,
        outcome: Future[Evaluation],
        deaths: int,
        pool: ProcessPoolExecutor,
    ) -> None:
        if done.cancelled():
            outcome.set_exception(TrainingFailedError("the executor was closed before this training began"))
            return
        error = done.exception()
        if error is None:
            outcome.set_result(done.result())
        elif not isinstance(error, BrokenProcessPool) or self._closed:
            outcome.set_exception(error)
        elif deaths + 1 >= ALLOWED_DEATHS:
            message = f"given up after {ALLOWED_DEATHS} deaths of worker processes during this training"
            outcome.set_exception(TrainingFailedError(message))
        else:
            self._replace(pool)
            self._start(request, outcome, deaths + 1)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        """Open a new pool, unless another request has done so already."""
        with self._lock:
            if self._pool is broken:
                logger.warning("A worker process died: what was running starts again in %d new ones", self._workers)
                self._pool = self._open_pool()


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _hold(evaluator: Evaluator) -> None:
    """First act of a worker process: keep the evaluator, and end when the driver does."""
    global _held
    _held = evaluator
    driver = parent_process()
    if driver is not None:
        threading.Thread(target=lambda: (wait([driver.sentinel]), os._exit(1)), daemon=True).start()


def _evaluate(request: EvaluationRequest) -> Evaluation:
    if _held is None:
        raise TrainingFailedError("this worker process holds no evaluator")
    return _held.evaluate(request.architecture, request.fidelity, request.seed)
