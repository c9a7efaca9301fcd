"""Device, precision and number of threads of trainings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mf_nas_kd.errors import InvalidValueError, WorkerStartError


def choose_device(name: str) -> torch.device:
    """The configured device; ``auto`` is the first of cuda, mps and cpu that is available.

    Raises:
        InvalidValueError: If the device is unknown or not available.
    """
    available = [kind for kind, available in _kinds().items() if available]
    if name == "auto":
        return torch.device(available[0])
    if name.partition(":")[0] not in available:
        raise InvalidValueError("device", name, f"auto or one of those that are available: {', '.join(available)}")
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """The device's name for records: ``cpu``, or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def synchronise(device: torch.device) -> None:
    """Wait until the device has finished all work, so that a clock can be read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def require_working(device: torch.device) -> None:
    """Compute a convolution and its gradient: a GPU whose memory or driver is broken says so here.

    Raises:
        WorkerStartError: If that fails.
    """
    if device.type == "cpu":
        return
    try:
        images = torch.ones(2, 3, 8, 8, device=device, requires_grad=True)
        weights = torch.ones(4, 3, 3, 3, device=device)
        torch.nn.functional.conv2d(images, weights).sum().backward()
        synchronise(device)
    except RuntimeError as failure:
        raise WorkerStartError(f"the device {describe_device(device)} does not work: {failure}") from failure


def autocast_dtype(device: torch.device) -> torch.dtype:
    """Precision of networks: bfloat16 on GPUs that support it; not on CPUs, where it was slower (two cores)."""
    return (
        torch.bfloat16
        if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        else torch.float32
    )


def autocast(device: torch.device) -> torch.autocast:
    """Networks run in :func:`autocast_dtype` within this context."""
    dtype = autocast_dtype(device)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)


def full_precision(device: torch.device) -> torch.autocast:
    """Losses run in float32 within this context: squares of small differences do not survive bfloat16."""
    return torch.autocast(device.type, enabled=False)


@contextmanager
def reproducible() -> Iterator[None]:
    """Within the block, equal seeds give equal trainings.

    One CPU thread: trainings run beside each other, one on each core, and must not compete for cores; and the number of
    threads changes the order of sums, so that with one thread a result does not depend on the number of cores or on the
    executor. On GPUs, convolutions use deterministic algorithms.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield
    finally:
        torch.set_num_threads(before)


def _kinds() -> dict[str, bool]:
    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
