"""No workers: every task is done at once, in this process. For debugging, and for tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Concatenate

from mf_nas_kd.workers.executor import Context, Executor, Result


class InlineExecutor(Executor[Context]):
    """Works when asked."""

    def __init__(self, context: Context) -> None:
        self.in_flight = 1
        self._context = context

    def submit(self, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            future.set_result(task(self._context, *arguments))
        except Exception as error:  # a future carries its exception to whoever asks for the result
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is running."""
