"""Executor with workers on any number of machines, through a scheduler of dask.

Its packages come with the extra ``dask`` and are imported only when this executor is opened.
"""

from __future__ import annotations

from importlib.util import find_spec

from mf_nas_kd.errors import MissingPackageError
from mf_nas_kd.workers.dask.options import DaskOptions
from mf_nas_kd.workers.executor import Context, Executor, TimeLimit


def open_dask(context: Context, workers: int | None, limit: TimeLimit, options: DaskOptions) -> Executor[Context]:
    """Connect to a scheduler, or start one with local workers.

    Args:
        context: Any value that can be pickled.
        workers: Number of local workers; None for one per GPU, or per core where there is none.
        limit: How long a task may take.
        options: Address of the scheduler, and resources that a training takes.

    Raises:
        MissingPackageError: If the extra is not installed.
    """
    if find_spec("distributed") is None:
        what = "executor.kind=dask needs the package distributed, which is not installed"
        raise MissingPackageError(f"{what}: pip install 'mf-nas-kd[dask]'")
    from mf_nas_kd.workers.dask.executor import DaskExecutor

    return DaskExecutor(context, workers, limit, options)


__all__ = ["DaskOptions", "open_dask"]
