"""What it takes to read images, and to have them there again.

`decoded`: random pixels of 32x32 in colour stand for decoded images. Writing them into the file of pixels; statistics
and fingerprint; loading; a pass over all training images in augmented batches, in all worker processes at once; and by
how much that pass lets the memory grow that a worker holds for itself alone (unique set size).

`files`: JPEG files of 500x375, a hundred at a time, some of them cut off. Decoding to 224x224 with a process on each
core; what is decoded again after the broken files were removed; a second start; and a pass over all training images
from the file of pixels, in all worker processes at once, with the memory of each (resident set size).

`listing`: many small files in a thousand class folders, which are listed as the start of a run does.

    python benchmarks/images.py decoded
    python benchmarks/images.py files --images 20000 --broken 12 --output files.json
    python benchmarks/images.py listing --images 200000
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image

from mf_nas_kd.datasets import ImagesDataset
from mf_nas_kd.errors import MissingImagesError
from mf_nas_kd.images import CropFlip, ImageDataset, ResidentImages, load_images, split_stratified
from mf_nas_kd.images.decoded import decode_once
from mf_nas_kd.images.image_folder import ImageFolder, ImageFolderOptions
from mf_nas_kd.images.inventory import numbered
from mf_nas_kd.images.journal import Part

CLASSES, BATCH = 100, 64
MEBIBYTE = 2**20


class RandomImages:
    """A source of random pixels."""

    class_names = tuple(str(label) for label in range(CLASSES))
    image_shape = (3, 32, 32)
    settings = "random"

    def __init__(self, count: int) -> None:
        self.labels = np.arange(count, dtype=np.int64) % CLASSES
        self.splits = np.full(count, "train")
        self.names, self.states = numbered(count), np.empty((count, 0), dtype=np.int64)

    def decode(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> Iterator[Part]:
        """Write random pixels."""
        rng = np.random.default_rng(0)
        for start in range(0, len(pixels), 10_000):
            part = pixels[start : start + 10_000]
            part[:] = rng.integers(0, 256, part.shape, dtype=np.uint8)
        yield Part(rows, {})


class Memory:
    """Most mebibytes that this process and those that it starts have resident, sampled ten times a second."""

    def __enter__(self) -> Memory:
        self.driver = self.child = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        driver = psutil.Process()
        while not self._ended.wait(0.1):
            self.driver = max(self.driver, driver.memory_info().rss / MEBIBYTE)
            for child in driver.children(recursive=True):
                try:
                    self.child = max(self.child, child.memory_info().rss / MEBIBYTE)
                except psutil.NoSuchProcess:
                    continue


def one_pass(images: ImageDataset) -> dict[str, float]:
    """A pass over all training images, augmented: seconds, and mebibytes of this process."""
    augmentation = CropFlip(CropFlip.Options(padding=4, flip=True, rows=None, seed=0))
    torch.set_num_threads(1)
    settled = torch.zeros(BATCH, *images.image_shape)  # the allocator's first pages are no images
    del settled
    own, started = psutil.Process().memory_full_info().uss, time.perf_counter()
    resident = ResidentImages(images.train, augmentation, images.pixel_statistics, torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    most = 0
    for positions in torch.randperm(len(resident), generator=generator).split(BATCH):
        resident.batch(positions, torch.randint(len(augmentation), positions.shape, generator=generator))
        most = max(most, psutil.Process().memory_info().rss)
    grown = psutil.Process().memory_full_info().uss - own
    return {"seconds": time.perf_counter() - started, "own_growth": grown / MEBIBYTE, "resident": most / MEBIBYTE}


def passes(images: ImageDataset, workers: int) -> dict[str, list[float]]:
    """A pass in each of several processes at once."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        done = [future.result() for future in [pool.submit(one_pass, images) for _ in range(workers)]]
    return {f"pass_{name}": [one[name] for one in done] for name in done[0]}


def measure_decoded(count: int, workers: int, folder: Path) -> dict[str, Any]:
    """Pixels that need no decoding."""
    started = time.perf_counter()
    source = RandomImages(count)
    collection, _ = decode_once(source, folder)
    written = time.perf_counter()
    fractions = {"validation": 0.1, "test": 0.1}
    positions = split_stratified(collection.labels, fractions, 0, source.class_names)
    dataset = ImagesDataset(filepath=str(folder / "images.safetensors"))
    dataset.save(ImageDataset.of("random", source.class_names, collection, positions))
    saved = time.perf_counter()
    images = dataset.load()
    loaded = time.perf_counter()
    return {
        "file_mebibytes": images.collection.pixels.nbytes / MEBIBYTE,
        "write_seconds": written - started,
        "statistics_and_save_seconds": saved - written,
        "load_seconds": loaded - saved,
        **passes(images, workers),
    }


def write_jpeg(folder: Path, count: int, broken: int) -> None:
    """Write JPEG files of noise that was smoothed as photographs are; the last ones are cut off."""
    rng = np.random.default_rng(0)
    contents = []
    for _ in range(100):
        coarse = Image.fromarray(rng.integers(0, 256, (47, 63, 3), dtype=np.uint8))
        file = BytesIO()
        coarse.resize((500, 375), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        contents.append(file.getvalue())
    for number in range(count):
        path = folder / f"{number % CLASSES:03d}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = contents[number % len(contents)]
        path.write_bytes(content[: len(content) // 2] if number >= count - broken else content)


def measure_files(count: int, broken: int, workers: int, folder: Path) -> dict[str, Any]:
    """Files that are decoded to 224x224."""
    write_jpeg(folder / "images", count, broken)
    options = {"folder": str(folder / "images"), "image_size": 224, "channels": 3}
    measured: dict[str, Any] = {}

    def load(name: str) -> ImageDataset:
        before, started = psutil.cpu_times(), time.perf_counter()
        with Memory() as memory:
            try:
                return load_images("image_folder", 0.1, 0.1, 0, options, folder / "kept")
            finally:
                seconds, after = time.perf_counter() - started, psutil.cpu_times()
                measured[f"{name}_seconds"] = seconds
                measured[f"{name}_busy_cores_of_machine"] = psutil.cpu_count() - (after.idle - before.idle) / seconds
                measured[f"{name}_driver_mebibytes"], measured[f"{name}_process_mebibytes"] = (
                    memory.driver,
                    memory.child,
                )

    if broken:
        try:
            load("refused")
        except MissingImagesError as refusal:
            print(refusal)  # noqa: T201
        listed = (folder / "kept/unreadable.csv").read_text().splitlines()[1:]
        measured["listed_broken"] = len(listed)
        for line in listed:
            (folder / "images" / line.partition(",")[0]).unlink()
        load("after_removal")
    else:
        load("first")
    images = load("second")
    measured["file_mebibytes"] = images.collection.pixels.nbytes / MEBIBYTE
    return measured | passes(images, workers)


def measure_listing(count: int, folder: Path) -> dict[str, Any]:
    """Files that are listed, not decoded."""
    for label in range(1000):
        (folder / f"{label:04d}").mkdir()
        for number in range(count // 1000):
            (folder / f"{label:04d}" / f"image_{number:08d}.jpg").write_bytes(b"x")
    seconds = []
    with Memory() as memory:
        for _ in range(3):
            started = time.perf_counter()
            ImageFolder(ImageFolderOptions(folder=str(folder), image_size=64, channels=3))
            seconds.append(time.perf_counter() - started)
    return {"listing_seconds": seconds, "driver_mebibytes": memory.driver}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["decoded", "files", "listing"])
    parser.add_argument("--images", type=int)
    parser.add_argument("--broken", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        if given.what == "decoded":
            measured = measure_decoded(given.images or 100_000, given.workers, folder)
        elif given.what == "files":
            measured = measure_files(given.images or 20_000, given.broken, given.workers, folder)
        else:
            measured = measure_listing(given.images or 200_000, folder)
    finally:
        shutil.rmtree(folder)
    for name, value in measured.items():
        values = ", ".join(f"{number:.4g}" for number in (value if isinstance(value, list) else [value]))
        print(f"{name:36} {values}")  # noqa: T201
    if given.output:
        given.output.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
