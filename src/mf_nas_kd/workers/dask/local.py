"""Scheduler and workers on this machine, which end with this process."""

from __future__ import annotations

import logging
from typing import Any

from distributed import Nanny, Scheduler, SpecCluster, Worker

from mf_nas_kd.cores import available_cores, visible_gpus

CONFIGURATION: dict[str, Any] = {
    # By default dask changes the environment of this process, to set numbers of threads of its workers.
    "distributed.nanny.pre-spawn-environ": {},
    # A worker that ended comes back after its imports, which take minutes on a loaded machine; by default it is given
    # up after 15 s.
    "distributed.deploy.lost-worker-timeout": "10 minutes",
    # A worker without a sign of life (a stopped process) is replaced; by default after 5 minutes.
    "distributed.scheduler.worker-ttl": "2 minutes",
}
"""Dask's configuration as long as local workers run."""


class QuietWorker(Worker):
    """Worker without messages of dask, also where the driver's main module, which it imports, configures logging."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        super().__init__(*arguments, **options)


def local_cluster(workers: int | None) -> SpecCluster:
    """Start a scheduler and workers of one thread each; with GPUs, each worker has one of them.

    Args:
        workers: Number of workers; None for one per GPU, or one per core where there is none.
    """
    gpus = visible_gpus()
    here: dict[str, Any] = {"host": "127.0.0.1", "protocol": "tcp://", "dashboard": False}
    # No memory limit: mapped images count as the worker's memory, and dask would pause it for ever.
    options = {**here, "nthreads": 1, "memory_limit": 0, "worker_class": QuietWorker}
    specification = {
        slot: {"cls": Nanny, "options": {**options, **_pinned(gpus[slot % len(gpus)])} if gpus else options}
        for slot in range(workers or len(gpus) or available_cores())
    }
    scheduler = {
        "cls": Scheduler,
        "options": {**here, "port": 0, "dashboard_address": "127.0.0.1:0", "allowed_failures": 0},
    }
    return SpecCluster(specification, scheduler)


def _pinned(gpu: str) -> dict[str, Any]:
    return {"env": {"CUDA_VISIBLE_DEVICES": gpu}, "resources": {"GPU": 1}}
