"""Workers on any number of machines, through a scheduler of dask.

Its packages come with the extra ``dask`` and are imported when this executor is opened, never before.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from pydantic import BaseModel, ConfigDict, PositiveFloat

from mf_nas_kd.errors import MissingPackageError
from mf_nas_kd.evaluation.evaluator import Evaluator
from mf_nas_kd.evaluation.executors.executor import Executor


class DaskSettings(BaseModel):
    """Whose workers.

    Attributes:
        scheduler: Address of a scheduler that runs (``tcp://host:8786``); null starts one with workers on this machine.
        resources: What a training takes of a worker that offers it (``{GPU: 1}``), by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduler: str | None
    resources: Mapping[str, PositiveFloat]


def open_dask(evaluator: Evaluator, workers: int | None, settings: DaskSettings) -> Executor:
    """Connect to a scheduler, or start one.

    Raises:
        MissingPackageError: If the extra is not installed.
    """
    if find_spec("distributed") is None:
        what = "executor.kind=dask needs the package distributed, which is not installed"
        raise MissingPackageError(f"{what}: pip install 'mf-nas-kd[dask]'")
    from mf_nas_kd.evaluation.executors.dask.executor import DaskExecutor

    return DaskExecutor(evaluator, workers, settings)
