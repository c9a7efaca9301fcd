"""Executors of tasks: this process, local processes, or workers on any number of machines.

One executor per file, one line per executor in the table ``EXECUTORS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from mf_nas_kd.registry import NameIn, NoOptions, Options, OptionsOf, configured, lookup
from mf_nas_kd.workers.dask import DaskOptions, open_dask
from mf_nas_kd.workers.executor import Context, Executor, TaskFuture, TimeLimit
from mf_nas_kd.workers.inline import InlineExecutor
from mf_nas_kd.workers.processes import ProcessExecutor


@dataclass(frozen=True)
class ExecutorKind:
    """Options and opener of an executor.

    Attributes:
        Options: Model of the options.
        open: Called with the context, the number of workers, the time limit and an instance of ``Options``.
    """

    Options: type[Options]
    open: Callable[[Any, int | None, TimeLimit, Any], Executor[Any]]


EXECUTORS: Mapping[str, ExecutorKind] = {
    "inline": ExecutorKind(NoOptions, lambda context, workers, limit, options: InlineExecutor(context)),
    "processes": ExecutorKind(
        NoOptions, lambda context, workers, limit, options: ProcessExecutor(context, workers, limit)
    ),
    "dask": ExecutorKind(DaskOptions, open_dask),
}


class ExecutorSettings(BaseModel):
    """Executor of the trainings.

    Attributes:
        kind: A name in ``EXECUTORS``.
        workers: Number of worker processes on this machine. Null for one per CPU core; where there are GPUs, for at
            most four per GPU, with ``dask`` one. Ignored by ``inline``, and by ``dask`` with a scheduler's address.
        timeout_factor: A task whose worker gives no result after this multiple of the expected time, and after a
            minute, starts again on a fresh worker. Ignored by ``inline``, as the next one.
        timeout_seconds: The same for tasks of any expected time, and for those of which nothing is known.
        options: Options of each executor, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, NameIn(EXECUTORS, "executor.kind")]
    workers: PositiveInt | None
    timeout_factor: Annotated[float, Field(gt=1)]
    timeout_seconds: PositiveFloat
    options: Annotated[Mapping[str, Options], OptionsOf(EXECUTORS, "executor.options")]

    @model_validator(mode="after")
    def _the_executor_has_options(self) -> ExecutorSettings:
        lookup(self.options, self.kind, "executor.kind without executor.options")
        return self


def open_executor(settings: ExecutorSettings, context: Context) -> Executor[Context]:
    """Open an executor whose workers hold the context; close it, or use it in a ``with`` statement.

    Args:
        settings: Kind, number of workers, time limit and options.
        context: Any value that can be pickled.

    Raises:
        WorkerStartError: If workers cannot be started.
        SchedulerError: If no scheduler answers.
        MissingPackageError: If the package of the executor is not installed.

    >>> limits = {"timeout_factor": 20, "timeout_seconds": 3600}
    >>> settings = ExecutorSettings(kind="inline", workers=None, options={"inline": {}}, **limits)
    >>> with open_executor(settings, 10) as workers:
    ...     workers.submit(pow, 2).result()
    100
    """
    kind, options = configured(EXECUTORS, settings.kind, settings.options[settings.kind], "executor.kind")
    return kind.open(context, settings.workers, TimeLimit(settings.timeout_factor, settings.timeout_seconds), options)


__all__ = ["EXECUTORS", "DaskOptions", "Executor", "ExecutorSettings", "TaskFuture", "TimeLimit", "open_executor"]
