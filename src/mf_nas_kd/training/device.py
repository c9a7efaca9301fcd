"""Where to train, in which precision, and with how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mf_nas_kd.errors import InvalidValueError


def choose_device(name: str) -> torch.device:
    """The configured device; ``auto`` takes the first of cuda, mps and cpu that is there.

    Raises:
        InvalidValueError: If the device is unknown or not there.
    """
    available = [kind for kind, there in _kinds().items() if there]
    if name == "auto":
        return torch.device(available[0])
    if name.partition(":")[0] not in available:
        raise InvalidValueError("device", name, f"auto or one of those that are here: {', '.join(available)}")
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """The device's name for records: ``cpu``, or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was asked for, so that a clock can be read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on GPUs that have it. Not on CPUs: there it was slower (measured on two cores)."""
    enabled = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


@contextmanager
def single_threaded() -> Iterator[None]:
    """One CPU thread for one training.

    Trainings run beside each other, one a core, and must not fight; and the number of threads changes the order of
    sums, so that with one thread everywhere a result does not depend on the number of cores or on the executor.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _kinds() -> dict[str, bool]:
    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
