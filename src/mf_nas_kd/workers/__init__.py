"""Who runs trainings: this process, processes beside it, or workers on any number of machines.

One executor a file, one line an executor in the table below.
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
    """How an executor is opened.

    Attributes:
        Options: Model of its options.
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
        workers: Worker processes on this machine. Null for one a CPU core; where there are GPUs, for at most four on
            each, and with ``dask`` one. ``inline`` and a scheduler of yours have theirs, whatever is said.
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
    """An executor whose workers hold the context; close it, or use it in a ``with`` statement."""
    kind, options = configured(EXECUTORS, settings.kind, settings.options[settings.kind], "executor.kind")
    return kind.open(context, settings.workers, options)


__all__ = ["EXECUTORS", "DaskOptions", "Executor", "ExecutorSettings", "open_executor"]
