"""Executor without workers: every task runs at once in this process, for debugging and for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate

from mf_nas_kd.errors import MachineFaultError
from mf_nas_kd.workers.executor import Context, Executor, Result, TaskFuture
from mf_nas_kd.workers.faults import attempt


class InlineExecutor(Executor[Context]):
    """Runs every task in :meth:`submit`, without a time limit; a fault of this machine is not tried again."""

    def __init__(self, context: Context) -> None:
        self.in_flight = 1
        self._context = context

    def submit(
        self,
        task: Callable[Concatenate[Context, ...], Result],
        *arguments: Any,
        expected_seconds: float | None = None,
    ) -> TaskFuture[Result]:
        future: TaskFuture[Result] = TaskFuture()
        try:
            future.set_result(attempt(task, self._context, *arguments))
        except MachineFaultError as fault:
            advice = "with executor.kind=processes it would be tried again on a fresh worker"
            future.set_exception(MachineFaultError(f"{fault}; {advice}", may_be_the_tasks=False))
        except Exception as error:  # a future passes its exception on to the caller of result()
            future.set_exception(error)
        return future

    def close(self, at_once: bool = False) -> None:
        """Do nothing: no task is running."""
