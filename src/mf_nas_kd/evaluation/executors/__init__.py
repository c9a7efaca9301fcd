"""Who runs trainings: this process, processes beside it, or workers on any number of machines.

One executor a file, one line an executor in the table below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict, PositiveInt, field_validator

from mf_nas_kd.evaluation.evaluator import Evaluator
from mf_nas_kd.evaluation.executors.dask import DaskSettings, open_dask
from mf_nas_kd.evaluation.executors.executor import Executor
from mf_nas_kd.evaluation.executors.inline import InlineExecutor
from mf_nas_kd.evaluation.executors.processes import ProcessExecutor
from mf_nas_kd.registry import lookup

EXECUTORS: Mapping[str, Callable[[Evaluator, ExecutorSettings], Executor]] = {
    "inline": lambda evaluator, settings: InlineExecutor(evaluator),
    "processes": lambda evaluator, settings: ProcessExecutor(evaluator, settings.workers),
    "dask": lambda evaluator, settings: open_dask(evaluator, settings.workers, settings.dask),
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


def open_executor(settings: ExecutorSettings, evaluator: Evaluator) -> Executor:
    """An executor whose workers hold the evaluator; close it, or use it in a ``with`` statement."""
    return EXECUTORS[settings.kind](evaluator, settings)


__all__ = ["EXECUTORS", "DaskSettings", "Executor", "ExecutorSettings", "open_executor"]
