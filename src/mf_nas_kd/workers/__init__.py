"""Who runs trainings: this process, processes beside it, or workers on any number of machines.

One executor a file, one line an executor in the table below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt, field_validator

from mf_nas_kd.registry import lookup
from mf_nas_kd.workers.dask import DaskSettings, open_dask
from mf_nas_kd.workers.executor import Context, Executor
from mf_nas_kd.workers.inline import InlineExecutor
from mf_nas_kd.workers.processes import ProcessExecutor

EXECUTORS: Mapping[str, Callable[[Any, ExecutorSettings], Executor[Any]]] = {
    "inline": lambda context, settings: InlineExecutor(context),
    "processes": lambda context, settings: ProcessExecutor(context, settings.workers),
    "dask": lambda context, settings: open_dask(context, settings.workers, settings.dask),
}


class ExecutorSettings(BaseModel):
    """Who runs trainings.

    Attributes:
        kind: A name in ``EXECUTORS``.
        workers: Worker processes on this machine. Null for one a CPU core; where there are GPUs, for at most four on
            each, and with ``dask`` one. ``inline`` and a scheduler of yours have theirs, whatever is said.
        dask: Options of this kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    workers: PositiveInt | None
    dask: DaskSettings

    @field_validator("kind")
    @classmethod
    def _kind_is_known(cls, kind: str) -> str:
        lookup(EXECUTORS, kind, "executor.kind")
        return kind


def open_executor(settings: ExecutorSettings, context: Context) -> Executor[Context]:
    """An executor whose workers hold the context; close it, or use it in a ``with`` statement."""
    return EXECUTORS[settings.kind](context, settings)


__all__ = ["EXECUTORS", "DaskSettings", "Executor", "ExecutorSettings", "open_executor"]
