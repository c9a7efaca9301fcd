"""The estimate of peak activation memory against what onnxruntime allocates, for networks of all spaces.

    python benchmarks/memory.py --networks 10

Measured is the memory allocator of the process: a small library in C, which this script compiles with ``cc``, counts
the bytes that are alive while a model runs. onnxruntime's arena and its memory patterns are off, so that every tensor
is allocated and freed by itself. The caller's input is added. What a kernel needs inside (workspace of convolutions)
is measured as well, and is not part of the estimate. Only Linux.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, quant_pre_process, quantize_static

from mf_nas_kd.devices import peak_activation_bytes
from mf_nas_kd.export import export_onnx
from mf_nas_kd.networks import NetworkDescription, TrainedNetwork, build_network
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.records import Architecture
from mf_nas_kd.spaces import build_space

COUNTER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
static atomic_long live, peak;
static void add(void *p) {
    if (!p) return;
    long now = atomic_fetch_add(&live, (long)malloc_usable_size(p)) + (long)malloc_usable_size(p);
    long seen = atomic_load(&peak);
    while (now > seen && !atomic_compare_exchange_weak(&peak, &seen, now)) {}
}
static void sub(void *p) { if (p) atomic_fetch_sub(&live, (long)malloc_usable_size(p)); }
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t), __libc_free(void *);
void *malloc(size_t n) { void *p = __libc_malloc(n); add(p); return p; }
void *calloc(size_t n, size_t m) { void *p = __libc_calloc(n, m); add(p); return p; }
void *realloc(void *p, size_t n) { sub(p); p = __libc_realloc(p, n); add(p); return p; }
void *memalign(size_t a, size_t n) { void *p = __libc_memalign(a, n); add(p); return p; }
void *aligned_alloc(size_t a, size_t n) { return memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) { *p = memalign(a, n); return *p ? 0 : 12; }
void free(void *p) { sub(p); __libc_free(p); }
void begin_counting(void) { atomic_store(&live, 0); atomic_store(&peak, 0); }
long peak_bytes(void) { return atomic_load(&peak); }
"""

SPACES = {
    "mobilenet_v2": {
        "stem": [8, 16, 32],
        "stem_stride": 1,
        "stages": [
            {"expansion": [1, 3, 6], "channels": [8, 16, 24], "repeats": [1, 2, 3], "stride": 2},
            {"expansion": [1, 3, 6], "channels": [16, 32, 64], "repeats": [1, 2, 3], "stride": 2},
        ],
        "head": [64, 128],
    },
    "shufflenet_v2": {
        "stem": [8, 16, 24],
        "stem_stride": 1,
        "stages": [{"channels": [16, 32, 64], "blocks": [1, 2, 3]}, {"channels": [32, 64, 96], "blocks": [1, 2, 3]}],
        "head": [64, 128],
    },
    "nas_bench_201": {
        "stem": 16,
        "cells_per_stage": 1,
        "operations": ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"],
    },
}
PRECISIONS = ("float32", "int8")
LEVELS = {
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
}


def main() -> None:
    """Print a table: a row a space and level of optimisation; errors are estimate / measured - 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=10, help="networks of each space")
    parser.add_argument("--size", type=int, default=32, help="height and width of the images")
    parser.add_argument("--measure", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        _measure(options.measure)
        return
    with tempfile.TemporaryDirectory() as folder:
        models = _models(Path(folder), options.networks, options.size)
        peaks = _measured_in_another_process(Path(folder), [file for *_, file in models])
        rows = [
            (precision, space, level, peak_activation_bytes(onnx.load(file)), next(peaks))
            for precision, space, file in models
            for level in LEVELS
        ]
    print("| precision | space | optimisation | n | median error | lowest | highest | median measured, KiB |")  # noqa: T201
    print("|---|---|---|---|---|---|---|---|")  # noqa: T201
    for precision, level in itertools.product(PRECISIONS, LEVELS):
        for space in (*dict.fromkeys(space for _, space, _ in models), "all spaces"):
            chosen = [row for row in rows if row[::2][:2] == (precision, level) and space in (row[1], "all spaces")]
            errors = np.array([estimate / peak - 1 for *_, estimate, peak in chosen]) * 100
            cells = f"{np.median(errors):+.1f} % | {errors.min():+.1f} % | {errors.max():+.1f} %"
            median = np.median([peak for *_, peak in chosen]) / 2**10
            print(f"| {precision} | {space} | {level} | {len(chosen)} | {cells} | {median:.0f} |")  # noqa: T201


def _models(folder: Path, count: int, size: int) -> list[tuple[str, str, Path]]:
    """Precision, space and file of each model."""
    models = []
    for number, (space, architecture) in enumerate(_architectures(count)):
        whole, integers = folder / f"{number}.onnx", folder / f"{number}-int8.onnx"
        whole.write_bytes(_exported(architecture, size))
        quant_pre_process(whole, integers)
        quantize_static(integers, integers, _Noise(size), per_channel=True)
        models += [("float32", space, whole), ("int8", space, integers)]
    return models


class _Noise(CalibrationDataReader):
    """Random images: memory does not depend on the scales."""

    def __init__(self, size: int) -> None:
        shape = 1, 3, size, size
        self._images = iter(np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8))

    def get_next(self) -> dict[str, np.ndarray] | None:
        images = next(self._images, None)
        return None if images is None else {"images": images}


def _architectures(count: int) -> Iterator[tuple[str, Architecture]]:
    rng = np.random.default_rng(0)
    for name, choices in SPACES.items():
        space = build_space(name, choices)
        yield from ((name, space.sample(rng)) for _ in range(count))
    draw = random.Random(0)  # noqa: S311
    for _ in range(count):
        stages = sorted(draw.choices([8, 16, 24, 32, 64], k=3))
        yield "residual", Architecture.of("residual", stem=stages[0], stages=stages, blocks=draw.choice([1, 2, 3]))


def _exported(architecture: Architecture, size: int) -> bytes:
    with torch_seeded(0, "memory"):
        network = build_network(architecture, 10, 3)
    description = NetworkDescription(
        architecture.space, architecture.fields, 10, (3, size, size), (0.5,) * 3, (0.2,) * 3, ("",)
    )
    return export_onnx(TrainedNetwork.of(description, network), [str(label) for label in range(10)])


def _measured_in_another_process(folder: Path, files: list[Path]) -> Iterator[int]:
    """Bytes of each file at each level."""
    library = folder / "counter.so"
    (folder / "counter.c").write_text(COUNTER)
    compiler = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(folder / "counter.c")]
    subprocess.run(compiler, check=True)  # noqa: S603
    run = subprocess.run(  # noqa: S603
        [sys.executable, __file__, "--measure", *map(str, files)],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    return map(int, run.stdout.split())


def _measure(files: list[str]) -> None:
    counter = ctypes.CDLL(None)
    counter.peak_bytes.restype = ctypes.c_long
    for file in files:
        for level in LEVELS.values():
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.enable_cpu_mem_arena = options.enable_mem_pattern = False
            options.graph_optimization_level = level
            session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
            (given,) = session.get_inputs()
            images = np.zeros([1, *given.shape[1:]], dtype=np.uint8)
            session.run(None, {given.name: images})
            counter.begin_counting()
            session.run(None, {given.name: images})
            print(counter.peak_bytes() + images.nbytes)  # noqa: T201


if __name__ == "__main__":
    main()
