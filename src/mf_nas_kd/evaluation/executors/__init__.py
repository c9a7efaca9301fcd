"""Who runs trainings: this process, or processes beside it.

One executor a file, one line an executor in the table below.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, PositiveInt, field_validator

from mf_nas_kd.evaluation.evaluator import Evaluator
from mf_nas_kd.evaluation.executors.executor import Executor
from mf_nas_kd.evaluation.executors.inline import InlineExecutor
from mf_nas_kd.evaluation.executors.processes import ProcessExecutor
from mf_nas_kd.registry import lookup

EXECUTORS: Mapping[str, type[Executor]] = {
    "inline": InlineExecutor,
    "processes": ProcessExecutor,
}


class ExecutorSettings(BaseModel):
    """Who runs trainings.

    Attributes:
        kind: A name in ``EXECUTORS``.
        workers: Trainings at a time; null for one a CPU core. ``inline`` runs one whatever is said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    workers: PositiveInt | None

    @field_validator("kind")
    @classmethod
    def _kind_is_known(cls, kind: str) -> str:
        lookup(EXECUTORS, kind, "executor.kind")
        return kind


def open_executor(settings: ExecutorSettings, evaluator: Evaluator) -> Executor:
    """An executor whose workers hold the evaluator; close it, or use it in a ``with`` statement."""
    return EXECUTORS[settings.kind](evaluator, settings.workers)


__all__ = ["EXECUTORS", "Executor", "ExecutorSettings", "open_executor"]
