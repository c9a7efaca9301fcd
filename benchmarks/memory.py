"""The estimate of peak activation memory against what onnxruntime allocates, for networks of all spaces.

    python benchmarks/memory.py --networks 10

Two measurements. *Tensors*: the runtime's own optimised graph, in the order and with the sizes of its profile; what the
estimate stands for. *Allocated*: a small library in C, which this script compiles with ``cc``, counts the bytes that
the process allocates while a model runs; it has the workspace of the kernels as well, which is not part of the
estimate. onnxruntime's arena and its memory patterns are off, so that every tensor is allocated and freed by itself.
The caller's input is in all three. Only Linux.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
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

from mf_nas_kd.devices import peak_activation_bytes
from mf_nas_kd.devices.kernels import IN_PLACE, VIEWS, Kernel
from mf_nas_kd.devices.memory import peak_bytes
from mf_nas_kd.export.onnx import network_graph
from mf_nas_kd.export.quantisation import Int8Parameters, quantise
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
BYTES = {"float": 4, "int8": 1, "uint8": 1, "int32": 4, "int64": 8, "bool": 1}
INT8 = Int8Parameters(calibration_images=8, calibration="min_max", first_and_last_in_float=False, reduce_range=False)
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
        allocated = _measured_in_another_process(Path(folder), [file for *_, file in models])
        rows = [
            (precision, level, space, peak_activation_bytes(onnx.load(file)), _tensors(file, level), next(allocated))
            for precision, space, file in models
            for level in LEVELS
        ]
    print("| precision | optimisation | space | n | estimate / tensors - 1 | estimate / allocated - 1 |")  # noqa: T201
    print("|---|---|---|---|---|---|")  # noqa: T201
    for precision, level in itertools.product(PRECISIONS, LEVELS):
        for space in (*dict.fromkeys(space for _, space, _ in models), "all"):
            chosen = [row for row in rows if row[:2] == (precision, level) and space in (row[2], "all")]
            errors = [_spread([row[3] / row[3 + n] - 1 for row in chosen]) for n in (1, 2)]
            print(f"| {precision} | {level} | {space} | {len(chosen)} | {' | '.join(errors)} |")  # noqa: T201


def _spread(errors: list[float]) -> str:
    """Median, lowest and highest error in per cent."""
    low, median, high = np.quantile(errors, [0, 0.5, 1]) * 100
    return f"{median:+.1f} % ({low:+.1f} to {high:+.1f})"


def _tensors(file: Path, level: str) -> int:
    """Peak of the tensors of the runtime's own graph, in bytes."""
    options = _options(LEVELS[level])
    optimised = file.with_suffix(".optimised.onnx")
    options.optimized_model_filepath, options.enable_profiling = str(optimised), True
    options.profile_file_prefix = str(file.with_suffix(""))
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    images = _images(session)
    session.run(None, images)
    events = json.loads(Path(session.end_profiling()).read_text())
    graph = onnx.load(optimised).graph
    nodes = {node.name: node for node in graph.node}
    sizes = {name: array.nbytes for name, array in images.items()}
    kernels = []
    for event in events:
        name = event["name"].removesuffix("_kernel_time")
        if event["name"] == name or name not in nodes:
            continue
        outputs = [each for each in nodes[name].output if each]
        types = event["args"]["output_type_shape"]
        sizes |= {
            output: int(np.prod(shape)) * BYTES[kind]
            for output, each in zip(outputs, types, strict=True)
            for kind, shape in each.items()
        }
        inputs = tuple(each for each in nodes[name].input if each in sizes)
        kernels.append(_kernel(nodes[name], inputs, tuple(outputs)))
    return peak_bytes(kernels, sizes, list(images), [each.name for each in graph.output])


def _kernel(node: onnx.NodeProto, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Kernel:
    """A node of the runtime's graph: a convolution adds its fourth input in place."""
    if node.op_type in VIEWS:
        return Kernel(node.op_type, inputs, outputs, inputs[:1], is_view=True)
    summed = tuple(node.input[3:4]) if node.op_type in ("Conv", "FusedConv") else ()
    return Kernel(node.op_type, inputs, outputs, inputs if node.op_type in IN_PLACE else summed)


def _models(folder: Path, count: int, size: int) -> list[tuple[str, str, Path]]:
    """Precision, space and file of each model."""
    models = []
    noise = np.random.default_rng(0).integers(0, 256, (8, 3, size, size), dtype=np.uint8)
    for number, (space, architecture) in enumerate(_architectures(count)):
        whole, integers = folder / f"{number}.onnx", folder / f"{number}-int8.onnx"
        graph = _graph(architecture, size)
        onnx.save(graph, whole)
        onnx.save(quantise(graph, noise, INT8, ()), integers)
        models += [("float32", space, whole), ("int8", space, integers)]
    return models


def _architectures(count: int) -> Iterator[tuple[str, Architecture]]:
    rng = np.random.default_rng(0)
    for name, choices in SPACES.items():
        space = build_space(name, choices)
        yield from ((name, space.sample(rng)) for _ in range(count))
    draw = random.Random(0)  # noqa: S311
    for _ in range(count):
        stages = sorted(draw.choices([8, 16, 24, 32, 64], k=3))
        yield "residual", Architecture.of("residual", stem=stages[0], stages=stages, blocks=draw.choice([1, 2, 3]))


def _graph(architecture: Architecture, size: int) -> onnx.ModelProto:
    with torch_seeded(0, "memory"):
        network = build_network(architecture, 10, 3)
    description = NetworkDescription(
        architecture.space, architecture.fields, 10, (3, size, size), (0.5,) * 3, (0.2,) * 3, ("",)
    )
    return network_graph(TrainedNetwork.of(description, network), opset=18)


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
            session = onnxruntime.InferenceSession(file, _options(level), providers=["CPUExecutionProvider"])
            images = _images(session)
            session.run(None, images)
            counter.begin_counting()
            session.run(None, images)
            print(counter.peak_bytes() + sum(array.nbytes for array in images.values()))  # noqa: T201


def _options(level: onnxruntime.GraphOptimizationLevel) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.graph_optimization_level, options.log_severity_level = level, 3
    return options


def _images(session: onnxruntime.InferenceSession) -> dict[str, np.ndarray]:
    (given,) = session.get_inputs()
    return {given.name: np.zeros([1, *given.shape[1:]], dtype=np.uint8)}


if __name__ == "__main__":
    main()
