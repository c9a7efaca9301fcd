"""Processes beside each other: how many make sense, on which GPU, and that none is left behind."""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait

TRAININGS_A_GPU = 4


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> list[str]:
    """GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them.

    None where nobody has imported torch: nothing trains there, and rooms that do without torch share this file.
    """
    torch = sys.modules.get("torch")
    count = torch.cuda.device_count() if torch is not None else 0
    names = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return names[:count] if names != [""] else [str(place) for place in range(count)]


def default_workers() -> int:
    """Trainings at a time on this machine: one a core, and where there are GPUs, not more than four on each."""
    gpus = len(visible_gpus())
    return min(TRAININGS_A_GPU * gpus, available_cores()) if gpus else available_cores()


def use_gpu(place: int) -> None:
    """For a worker process: compute on one of the GPUs, by turns."""
    gpus = len(visible_gpus())
    if gpus:
        sys.modules["torch"].cuda.set_device(place % gpus)


def end_with_driver() -> None:
    """For a worker process: end when the process that started it does, also when that one was killed."""
    driver = parent_process()
    if driver is not None:
        threading.Thread(target=lambda: (wait([driver.sentinel]), os._exit(1)), daemon=True).start()
