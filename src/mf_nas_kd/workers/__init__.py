"""Executors of tasks: this process, local processes, or workers on any number of machines.

One executor per file, one line per executor in the table ``EXECUTORS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

from mf_nas_kd.registry import NameIn, NoOptions, Options, OptionsOf, configured, lookup
from mf_nas_kd.workers.dask import DaskOptions, open_dask
from mf_nas_kd.workers.executor import Context, Executor
from mf_nas_kd.workers.inline import InlineExecutor
from mf_nas_kd.workers.processes import ProcessExecutor


@dataclass(frozen=True)
class ExecutorKind:
    """Options and opener of an executor.

    Attributes:
        Options: Model of the options.
        open: Called with the context, the number of workers and an instance of ``Options``.
    """

    Options: type[Options]
    open: Callable[[Any, int | None, Any], Executor[Any]]


EXECUTORS: Mapping[str, ExecutorKind] = {
    "inline": ExecutorKind(NoOptions, lambda context, workers, options: InlineExecutor(context)),
    "processes": ExecutorKind(NoOptions, lambda context, workers, options: ProcessExecutor(context, workers)),
    "dask": ExecutorKind(DaskOptions, open_dask),
}


class ExecutorSettings(BaseModel):
    """Executor of the trainings.

    Attributes:
        kind: A name in ``EXECUTORS``.
        workers: Number of worker processes on this machine. Null for one per CPU core; where there are GPUs, for at
            most four per GPU, with ``dask`` one. Ignored by ``inline``, and by ``dask`` with a scheduler's address.
        options: Options of each executor, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, NameIn(EXECUTORS, "executor.kind")]
    workers: PositiveInt | None
    options: Annotated[Mapping[str, Options], OptionsOf(EXECUTORS, "executor.options")]

    @model_validator(mode="after")
    def _the_executor_has_options(self) -> ExecutorSettings:
        lookup(self.options, self.kind, "executor.kind without executor.options")
        return self


def open_executor(settings: ExecutorSettings, context: Context) -> Executor[Context]:
    """Open an executor whose workers hold the context; close it, or use it in a ``with`` statement.

    Args:
        settings: Kind, number of workers and options.
        context: Any value that can be pickled.

    Raises:
        WorkerStartError: If workers cannot be started.
        SchedulerError: If no scheduler answers.
        MissingPackageError: If the package of the executor is not installed.

    >>> settings = ExecutorSettings(kind="inline", workers=None, options={"inline": {}})
    >>> with open_executor(settings, 10) as workers:
    ...     workers.submit(pow, 2).result()
    100
    """
    kind, options = configured(EXECUTORS, settings.kind, settings.options[settings.kind], "executor.kind")
    return kind.open(context, settings.workers, options)


__all__ = ["EXECUTORS", "DaskOptions", "Executor", "ExecutorSettings", "open_executor"]
