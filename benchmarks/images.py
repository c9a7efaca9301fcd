"""How fast many decoded images are there again, and what they cost each worker process.

Random pixels of 32x32 in colour stand for decoded images. Measured: writing them into the memory-mapped file;
statistics and fingerprint; loading; a pass over all training images in augmented batches, in all worker processes at
once; and by how much that pass lets the memory grow that a worker holds for itself alone (unique set size).

    python benchmarks/images.py
    python benchmarks/images.py --images 200000 --workers 4 --output images.json
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

from mf_nas_kd.datasets import ImagesDataset
from mf_nas_kd.images import CropFlip, ImageDataset, ResidentImages, split_stratified
from mf_nas_kd.images.source import decode_once

CLASSES, BATCH = 100, 64
MEBIBYTE = 2**20


class RandomImages:
    """A source of random pixels."""

    class_names = tuple(str(label) for label in range(CLASSES))
    image_shape = (3, 32, 32)
    key = "random"

    def __init__(self, count: int) -> None:
        self.labels = np.arange(count, dtype=np.int64) % CLASSES
        self.splits = np.full(count, "train")
        self.names = tuple(str(number) for number in range(count))

    def decode(self, pixels: np.ndarray) -> None:
        """Write random pixels."""
        rng = np.random.default_rng(0)
        for start in range(0, len(pixels), 10_000):
            part = pixels[start : start + 10_000]
            part[:] = rng.integers(0, 256, part.shape, dtype=np.uint8)


def own_memory() -> float:
    """Mebibytes that only this process holds."""
    return psutil.Process().memory_full_info().uss / MEBIBYTE


def one_pass(images: ImageDataset) -> tuple[float, float]:
    """Seconds of a pass over all training images, augmented, and mebibytes that it left with this process."""
    augmentation = CropFlip(CropFlip.Options(padding=4, flip=True, rows=None, seed=0))
    torch.set_num_threads(1)
    settled = torch.zeros(BATCH, 3, 32, 32)  # the allocator's first pages are no images
    del settled
    before, started = own_memory(), time.perf_counter()
    resident = ResidentImages(images.train, augmentation, images.pixel_statistics, torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    for positions in torch.randperm(len(resident), generator=generator).split(BATCH):
        resident.batch(positions, torch.randint(len(augmentation), positions.shape, generator=generator))
    return time.perf_counter() - started, own_memory() - before


def measure(count: int, workers: int, folder: Path) -> dict[str, Any]:
    """All measurements, by name."""
    started = time.perf_counter()
    source = RandomImages(count)
    collection, _ = decode_once(source, folder)
    decoded = time.perf_counter()
    fractions = {"validation": 0.1, "test": 0.1}
    positions = split_stratified(collection.labels, fractions, 0, source.class_names)
    dataset = ImagesDataset(filepath=str(folder / "images.safetensors"))
    dataset.save(ImageDataset.of("random", source.class_names, collection, positions))
    saved = time.perf_counter()
    images = dataset.load()
    loaded = time.perf_counter()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        passes = [future.result() for future in [pool.submit(one_pass, images) for _ in range(workers)]]
    return {
        "images": count,
        "file_mebibytes": images.collection.pixels.nbytes / MEBIBYTE,
        "decode_seconds": decoded - started,
        "statistics_and_save_seconds": saved - decoded,
        "load_seconds": loaded - saved,
        "pass_seconds": [seconds for seconds, _ in passes],
        "worker_mebibytes": [mebibytes for _, mebibytes in passes],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(arguments.images, arguments.workers, Path(folder))
    for name, value in measured.items():
        values = ", ".join(f"{number:.4g}" for number in (value if isinstance(value, list) else [value]))
        print(f"{name:28} {values}")  # noqa: T201
    if arguments.output:
        arguments.output.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
