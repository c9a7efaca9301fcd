"""Latency of an ONNX model on this machine: onnxruntime on the CPU, one thread, one image at a time.

Other programs that use the processor lengthen single runs by far more than networks differ. Runs in which the operating
system took the processor away are left out where it tells (Linux); the rest is summarised by medians of rounds.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

try:
    import resource
except ImportError:  # it is part of Python on Unix only
    resource = None  # type: ignore[assignment]

SECONDS = 0.4
"""Time of one measurement, warm-up not included."""

WARM_UP_SECONDS = 0.1
"""The first runs fill caches and the allocator's arena, and let the processor raise its frequency."""

ROUNDS = 8
FEWEST_RUNS = 24
"""Runs of a network that takes so long that fewer would fit into the time."""

FEWEST_UNDISTURBED = 8
"""With fewer undisturbed runs, the processor time of all runs is taken."""

REPEATABILITY = 0.10
"""How far two measurements of one network may lie apart on an idle machine, as a part of the lower one."""

THREADS = 1
RUNTIME = f"onnxruntime {onnxruntime.__version__}"


@dataclass(frozen=True)
class Latency:
    """Time of one run of a model with one image, in milliseconds.

    Attributes:
        median_ms: Median over rounds of the median of the runs of a round.
        low_ms: What another measurement of the same model is expected to exceed.
        high_ms: What another measurement of the same model is expected to stay below: the slowest round, and at least
            ``REPEATABILITY`` above the median.
        runs: Number of runs that were timed.
        disturbed: Fraction of them in which another program used the processor.
    """

    median_ms: float
    low_ms: float
    high_ms: float
    runs: int
    disturbed: float


def measure_latency(model: bytes) -> Latency:
    """Measure the latency of a model.

    Args:
        model: An ONNX model. Dimensions of its input that are not fixed are 1. A network whose output does not depend
            on the image may have no input.

    Raises:
        Exception: What onnxruntime raises where it cannot run the model.
    """
    return _summary(*_timed(_runner(model)))


def device_name() -> str:
    """Name of this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    for field in ("model name", "Model", "Hardware"):
        if fields.get(field):
            return fields[field]
    return platform.processor() or platform.machine() or "unknown processor"


def _runner(model: bytes) -> Callable[[], object]:
    """A function that runs the model once, on random pixels."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = THREADS
    options.log_severity_level = 3  # warnings about the model are none about its latency
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {given.name: _pixels(given) for given in session.get_inputs()}
    return lambda: session.run(None, feed)


def _pixels(given: Any) -> NDArray[Any]:
    """Random pixels for an input; dimensions that are not fixed are 1."""
    pixels = np.random.default_rng(0).integers(0, 256, [size if isinstance(size, int) else 1 for size in given.shape])
    return pixels.astype(np.uint8) if "uint8" in given.type else (pixels / 255).astype(np.float32)


def _timed(run: Callable[[], object]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Wall time and processor time of each run ``(n,)`` in seconds, and whether it was disturbed."""
    _repeat(run, WARM_UP_SECONDS, 2)
    values = np.array(_repeat(run, SECONDS, FEWEST_RUNS), dtype=float)
    return values[:, 0] * 1e-9, values[:, 1] * 1e-9, values[:, 2] > 0


def _repeat(run: Callable[[], object], seconds: float, fewest: int) -> list[tuple[int, int, int]]:
    """Wall time, processor time (ns) and lost time slices of each run, for some time."""
    end = time.perf_counter() + seconds
    runs: list[tuple[int, int, int]] = []
    while time.perf_counter() < end or len(runs) < fewest:
        lost, processor, begun = _lost_slices(), time.thread_time_ns(), time.perf_counter_ns()
        run()
        ended = time.perf_counter_ns()
        runs.append((ended - begun, time.thread_time_ns() - processor, _lost_slices() - lost))
    return runs


def _lost_slices() -> int:
    """How often the operating system has taken the processor from this thread; 0 where it does not tell."""
    who = getattr(resource, "RUSAGE_THREAD", None)
    return 0 if who is None else resource.getrusage(who).ru_nivcsw


def _summary(wall: NDArray[np.float64], processor: NDArray[np.float64], disturbed: NDArray[np.bool_]) -> Latency:
    counted = wall[~disturbed] if (~disturbed).sum() >= FEWEST_UNDISTURBED else processor
    rounds = [1e3 * float(np.median(part)) for part in np.array_split(counted, ROUNDS)]
    median = float(np.median(rounds))
    low, high = min(*rounds, median / (1 + REPEATABILITY)), max(*rounds, median * (1 + REPEATABILITY))
    return Latency(median, low, high, len(wall), float(disturbed.mean()))
