"""Number of parallel processes, their GPUs, and the end of worker processes."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait

import joblib

TRAININGS_PER_GPU = 4


def available_cores() -> int:
    """Number of CPU cores that this process may use, at least 1.

    The CPU affinity of the process and the CPU quota of its container (cgroup) count, and the variable
    ``LOKY_MAX_CPU_COUNT`` sets an upper limit.
    """
    return joblib.cpu_count()


def visible_gpus() -> list[str]:
    """Names of the GPUs that this process may use, as in ``CUDA_VISIBLE_DEVICES``.

    The list is empty where torch was not imported: such a process trains nothing, and packages that do without torch
    use this file too.
    """
    torch = sys.modules.get("torch")
    count = torch.cuda.device_count() if torch is not None else 0
    names = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return names[:count] if names != [""] else [str(index) for index in range(count)]


def default_workers() -> int:
    """Number of trainings that run in parallel on this machine: one per core, and at most four per GPU."""
    gpus = len(visible_gpus())
    return min(TRAININGS_PER_GPU * gpus, available_cores()) if gpus else available_cores()


def use_gpu(slot: int) -> None:
    """Assign a GPU to this worker process, round robin.

    Args:
        slot: Number of the worker process, from 0.
    """
    cuda = importlib.import_module("torch").cuda
    cuda.set_device(slot % cuda.device_count())


def end_with_driver() -> None:
    """End this worker process as soon as the process that started it has ended, also when that one was killed."""
    driver = parent_process()
    if driver is not None:
        threading.Thread(target=lambda: (wait([driver.sentinel]), os._exit(1)), daemon=True).start()
