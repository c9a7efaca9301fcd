"""Bytes and look-up seconds of cached teacher targets, for a ninth of CIFAR-100 with all 162 crops and flips.

The file is written in blocks as a study does, with random targets in place of a teacher's (their values do not matter
here). Then it is checked as at the start of a run, and looked up by several worker processes at once, each of which
reads every target: by how much that lets the memory grow that a worker holds for itself alone (unique set size).

    python benchmarks/target_cache.py
    python benchmarks/target_cache.py --images 15000 --workers 4 --output target_cache.json
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from mf_nas_kd.images import Batch, PairIndex
from mf_nas_kd.teacher import TargetBatch, TargetCache, TargetRequest
from mf_nas_kd.teacher.precomputation import PAIRS_A_REQUEST

AUGMENTATIONS, BATCH = 162, 64
LENGTHS = {"kd, 100 classes": 100, "nst, last maps of 4x4": 136}
MEBIBYTE = 2**20


def look_up_all(folder: Path, name: str, images: int) -> tuple[float, float, float]:
    """A worker: seconds to look up, seconds to read all targets in batches, mebibytes that are its own."""
    torch.set_num_threads(1)
    cache = TargetCache(folder, limit_gib=100, belongs_to={})
    before, started = _own_memory(), time.perf_counter()
    pairs, everything = np.arange(images * AUGMENTATIONS), torch.arange(images)
    index = PairIndex(AUGMENTATIONS)
    targets = cache.look_up(cache.file(name, (LENGTHS[name],)), pairs, everything, index, torch.device("cpu"))
    if targets is None:
        raise RuntimeError("the file lacks pairs")
    found = time.perf_counter()
    nothing = torch.empty(0)
    for row in range(AUGMENTATIONS):
        for positions in everything.split(BATCH):
            targets(Batch(nothing, nothing, positions, torch.full_like(positions, row), nothing))
    return found - started, time.perf_counter() - found, _own_memory() - before


def _own_memory() -> float:
    return psutil.Process().memory_full_info().uss / MEBIBYTE


def measure(images: int, workers: int, name: str) -> dict[str, Any]:
    """All figures of one form of targets."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        writer = TargetCache(Path(folder), limit_gib=100, belongs_to={})
        file = writer.file(name, (LENGTHS[name],))
        started = time.perf_counter()
        for pairs in np.array_split(np.arange(images * AUGMENTATIONS), -(-images * AUGMENTATIONS // PAIRS_A_REQUEST)):
            targets = rng.standard_normal((len(pairs), LENGTHS[name]), np.float32).astype(np.float16)
            writer.append([file], TargetRequest(pairs, ()), TargetBatch((targets,), 0.0))
        written = time.perf_counter()
        file.mend()
        checked = time.perf_counter()
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            futures = [pool.submit(look_up_all, Path(folder), name, images) for _ in range(workers)]
            looked, read, own = zip(*(future.result() for future in futures), strict=True)
        return {
            "targets": name,
            "pairs": images * AUGMENTATIONS,
            "file_mebibytes": file.path.stat().st_size / MEBIBYTE,
            "write_seconds": written - started,
            "check_seconds": checked - written,
            "look_up_seconds": looked,
            "read_all_seconds": read,
            "own_mebibytes_of_each_worker": own,
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5556, help="a ninth of CIFAR-100's training images")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    measured = [measure(arguments.images, arguments.workers, name) for name in LENGTHS]
    for figures in measured:
        for name, value in figures.items():
            numbers = value if isinstance(value, tuple) else [value]
            values = ", ".join(f"{number:.4g}" if isinstance(number, float) else str(number) for number in numbers)
            print(f"{name:30} {values}")  # noqa: T201
    if arguments.output:
        arguments.output.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
