"""Calls of MLflow are made in a thread of their own: the trouble of a copy neither ends nor delays a study."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mlflow.exceptions import MlflowException
from mlflow.store.db import utils as database
from mlflow.tracking.fluent import _active_run_stack

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""How long a run waits for MLflow in all, beyond calls that succeed; afterwards calls are made, and not waited for."""

MOST_FAILURES = 3
"""After as many failures one after the other, MLflow is left alone for ``PAUSE_SECONDS``."""

PAUSE_SECONDS = 60.0
CALL_SECONDS = 2.0  # how long one call is waited for, if nobody needs what it returns
START_SECONDS = 60.0  # the same where somebody does: MLflow may have to make its tables first, on a busy machine
STALLED_SECONDS = 5.0  # at the end, MLflow is waited for while calls succeed in this time
END_SECONDS = 60.0  # and no longer than this

database.MAX_RETRY_COUNT = 1  # of connecting; MLflow tries for minutes otherwise

logger = logging.getLogger(__name__)


@dataclass
class _Call(Generic[T]):
    """A call that waits for its turn, is made, or has been made."""

    function: Callable[[], T]
    evaluations: int
    runs: list[object]
    done: threading.Event = field(default_factory=threading.Event)
    failed: bool = True
    result: T | None = None


class Copies:
    """Makes calls of MLflow one after the other, and counts those that fail.

    The first failure is a warning, the number of evaluations that MLflow lacks a second one at the end. After some
    failures one after the other, MLflow is tried again only from time to time.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[_Call[object]] = deque()
        self._thread: threading.Thread | None = None
        self._patience = PATIENCE_SECONDS
        self._failures = 0
        self._closed_until = 0.0
        self._last_success = 0.0
        self._warned = False
        self._missing = 0
        self._over = False

    def call(
        self, function: Callable[[], T], seconds: float | None = None, evaluations: int = 0, needed: bool = False
    ) -> T | None:
        """Make a call, and wait for it.

        Calls see the active run of the thread that makes them, and may change it.

        Args:
            function: The call; its exceptions are logged and passed over.
            seconds: How long to wait at most; if it is not given, ``CALL_SECONDS``, or ``START_SECONDS`` where the
                result is needed. Then the call is made later.
            evaluations: Number of evaluations that are not in MLflow if the call fails.
            needed: Whether somebody needs the result: that there is none in time is trouble, and told.

        Returns:
            What the function returns; None if it failed or was not waited for.
        """
        runs = _active_run_stack.get()
        call = _Call(function, evaluations, list(runs))
        with self._changed:
            self._waiting.append(call)  # type: ignore[arg-type]  # nobody reads the results of others
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        started = time.monotonic()
        most = seconds if seconds is not None else START_SECONDS if needed else CALL_SECONDS
        in_time = call.done.wait(min(most, max(self._patience, 0.0)))
        if call.failed and self._last_success < started:  # and nothing before it in the line succeeded
            self._patience -= time.monotonic() - started
        if in_time:
            runs[:] = call.runs
        elif needed:
            self._warn(f"no answer in {time.monotonic() - started:.0f} s")
        return call.result

    def miss(self, evaluations: int = 1) -> None:
        """Count evaluations that cannot be logged because there is no parent run, if that is MLflow's fault."""
        if self._warned:
            self._missing += evaluations

    def wait(self) -> None:
        """Wait until all calls have been made, as long as they succeed and for a limited time."""
        started = self._last_success = time.monotonic()
        with self._changed:
            while self._waiting and time.monotonic() - started < END_SECONDS:
                if not self._changed.wait(0.1) and time.monotonic() - self._last_success > STALLED_SECONDS:
                    break

    def finish(self) -> None:
        """Wait for the calls, and say how many evaluations MLflow lacks; there are no calls afterwards."""
        self.wait()
        with self._changed:
            late = list(self._waiting)
            self._waiting.clear()
            self._over = True
            self._changed.notify_all()
        missing = self._missing + sum(call.evaluations for call in late)
        if missing:
            logger.warning("%d evaluations are not in MLflow: mf-nas-kd log-missing logs them", missing)
        if late:  # at its end, the interpreter would wait for MLflow to end the active run
            _active_run_stack.get().clear()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._over)
                if not self._waiting:
                    return
                call = self._waiting[0]
            self._make(call)
            with self._changed:
                if self._waiting:  # it is empty if nobody waits any longer
                    self._waiting.popleft()
                call.done.set()
                self._changed.notify_all()

    def _make(self, call: _Call[object]) -> None:
        if time.monotonic() < self._closed_until:
            self._missing += call.evaluations
            return
        runs = _active_run_stack.get()
        runs[:] = call.runs
        try:
            call.result, call.failed = call.function(), False
            self._failures, self._last_success = 0, time.monotonic()
        except Exception as failure:  # of any kind: whatever MLflow raises is no reason to end a study
            self._missing += call.evaluations
            self._note(failure)
        finally:
            call.runs = list(runs)
            runs.clear()

    def _note(self, failure: Exception) -> None:
        self._warn(" ".join(f"{type(failure).__name__}: {failure}".split())[:500])
        logger.debug("A call of MLflow failed", exc_info=failure)
        if _is_refusal(failure):
            return
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            self._closed_until = time.monotonic() + PAUSE_SECONDS

    def _warn(self, cause: str) -> None:
        if not self._warned and not self._over:
            self._warned = True
            logger.warning("MLflow gives trouble (%s): what fails is not in MLflow, and the study goes on", cause)


def _is_refusal(failure: Exception) -> bool:
    """Whether MLflow works, and refuses what it was given."""
    return isinstance(failure, MlflowException) and 400 <= failure.get_http_status_code() < 500


_of_this_run: list[Copies] = []


def copies() -> Copies:
    """The calls of the current run of this process."""
    if not _of_this_run:
        _of_this_run.append(Copies())
    return _of_this_run[0]


def finish() -> None:
    """End the calls of the current run: wait for them, and say how many evaluations MLflow lacks.

    The waiting is limited. What is logged later belongs to another run.
    """
    if _of_this_run:
        _of_this_run.pop().finish()


atexit.register(finish)  # of scripts and notebooks; it comes before MLflow ends their runs
