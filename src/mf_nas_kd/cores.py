"""Processes beside each other: how many make sense, and that none is left behind."""

from __future__ import annotations

import os
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_driver() -> None:
    """For a worker process: end when the process that started it does, also when that one was killed."""
    driver = parent_process()
    if driver is not None:
        threading.Thread(target=lambda: (wait([driver.sentinel]), os._exit(1)), daemon=True).start()
