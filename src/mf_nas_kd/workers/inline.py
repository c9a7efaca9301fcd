"""Executor without workers: every task runs at once in this process, for debugging and for tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Concatenate

from mf_nas_kd.workers.executor import Context, Executor, Result


class InlineExecutor(Executor[Context]):
    """Runs every task in :meth:`submit`."""

    def __init__(self, context: Context) -> None:
        self.in_flight = 1
        self._context = context

    def submit(self, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            future.set_result(task(self._context, *arguments))
        except Exception as error:  # a future passes its exception on to the caller of result()
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Do nothing: no task is running."""
