"""The executor of the driver: tasks are sent to the scheduler, and results come back as they are ready."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import ExitStack, closing
from typing import Any, Concatenate
from uuid import uuid4

from mf_nas_kd.workers.dask.connection import Connection
from mf_nas_kd.workers.dask.options import DaskOptions
from mf_nas_kd.workers.dask.tasks import SentTasks
from mf_nas_kd.workers.dask.watch import EventsOfWorkers, WorkerWatch
from mf_nas_kd.workers.executor import Context, Executor, Result, TaskFuture, TimeLimit


class DaskExecutor(Executor[Context]):
    """Workers of a scheduler, on this machine or on others. A task whose worker dies starts again on another one.

    A task on a worker of an external scheduler cannot be stopped: after :meth:`close` it runs to its end there, and its
    result is dropped.

    Args:
        context: Any value that can be pickled.
        workers: Number of local workers, see :class:`Connection`.
        limit: How long a task may take.
        options: Address of the scheduler, and resources that a training takes.

    Raises:
        WorkerStartError: If there is no worker, or one cannot take the context.
        SchedulerError: If no scheduler answers.
        InvalidValueError: If no worker has the resources.
    """

    def __init__(self, context: Context, workers: int | None, limit: TimeLimit, options: DaskOptions) -> None:
        name = f"mf_nas_kd-{uuid4().hex}"
        self._limit = limit
        with ExitStack() as opened:
            self._connection = opened.enter_context(closing(Connection(workers, options)))
            self._tasks = SentTasks(self._connection, name)
            self.in_flight = 2 * self._connection.wait_for_a_worker()
            self._connection.hand_over(name, context, EventsOfWorkers(self._connection, self._tasks).receive)
            self._opened = opened.pop_all()
        self._watch = WorkerWatch(self._connection, self._tasks, self._adapt)

    def submit(
        self,
        task: Callable[Concatenate[Context, ...], Result],
        *arguments: Any,
        expected_seconds: float | None = None,
    ) -> TaskFuture[Result]:
        return self._tasks.add(self._limit.of(expected_seconds), task, *arguments)

    def close(self, at_once: bool = False) -> None:
        self._watch.close()
        self._tasks.end_all(CancelledError())
        self._opened.close()

    def _adapt(self, able: int) -> None:
        """Keep more tasks in flight where workers have joined."""
        self.in_flight = max(self.in_flight, 2 * able)
