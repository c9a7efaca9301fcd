"""Device, precision and number of threads of trainings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import torch

from mf_nas_kd.errors import InvalidValueError, WorkerStartError

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read at cuBLAS's first use; deterministic with it

Switch = Literal["auto", False]
"""Value of a parameter that allows something where it is supported (``auto``), or switches it off (``False``)."""

_mixed_precision: ContextVar[Switch] = ContextVar("mixed_precision", default="auto")


def choose_device(name: str) -> torch.device:
    """The configured device; ``auto`` is cuda where it is available, else cpu.

    ``mps`` has to be named: this program's tests run there only where somebody has such a machine.

    Raises:
        InvalidValueError: If the device is unknown or not available.
    """
    kinds = _kinds()
    if name == "auto":
        return torch.device("cuda" if kinds["cuda"] else "cpu")
    available = [kind for kind, available in kinds.items() if available]
    if name.partition(":")[0] not in available:
        raise InvalidValueError(
            "training.device", name, f"auto or one of those that are available: {', '.join(available)}"
        )
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


@contextmanager
def mixed_precision(allowed: Switch) -> Iterator[None]:
    """Within the block, networks run in bfloat16 where the device supports it (``auto``), or never (``False``)."""
    token = _mixed_precision.set(allowed)
    try:
        yield
    finally:
        _mixed_precision.reset(token)


def autocast_dtype(device: torch.device) -> torch.dtype:
    """Precision of networks: bfloat16 on GPUs that support it; not on CPUs, where it was slower (two cores).

    Within :func:`mixed_precision` that is switched off, it is float32 everywhere.
    """
    supported = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if supported and _mixed_precision.get() else torch.float32


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
    executor. Where there is a GPU of NVIDIA's, torch uses deterministic algorithms, and warns of operations that have
    none.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True), _deterministic_algorithms():
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _deterministic_algorithms() -> Iterator[None]:
    """Deterministic algorithms of torch, on GPUs only: with one thread, those of the CPU are deterministic anyway."""
    if not torch.cuda.is_available():
        yield
        return
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)


def _kinds() -> dict[str, bool]:
    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
