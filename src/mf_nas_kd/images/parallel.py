"""Decoding of many image files, in this process or in one process on each core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.cores import available_cores, end_with_driver
from mf_nas_kd.errors import MissingImagesError
from mf_nas_kd.image_files import Pixels
from mf_nas_kd.image_files.decoding import decode_files, decode_into_map
from mf_nas_kd.images.journal import Part

MOST_FILES, PART_BYTES = 256, 2**24  # of a part, which is the unit of progress and of what a killed run loses


def in_parts(rows: NDArray[np.int64], image_bytes: int) -> list[NDArray[np.int64]]:
    """Divide images into parts, in order.

    >>> [part.tolist() for part in in_parts(np.arange(5), 2**23)]
    [[0, 1], [2, 3], [4]]
    """
    size = max(1, min(MOST_FILES, PART_BYTES // image_bytes))
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def decode_here(paths: Sequence[str], pixels: Pixels, rows: NDArray[np.int64]) -> Iterator[Part]:
    """Decode images one after the other.

    Args:
        paths: Files of all ``M`` images.
        pixels: Array ``(M, C, H, W)``, uint8, for all images.
        rows: Indices of the images to decode, ascending.
    """
    for part in in_parts(rows, pixels[0].nbytes):
        yield Part(part, decode_files([paths[row] for row in part], pixels, part.tolist()))


def decode_in_processes(paths: Sequence[str], pixels: np.memmap, rows: NDArray[np.int64]) -> Iterator[Part]:
    """Decode images in processes that write into a mapped file; as :func:`decode_here`, but in no order.

    Raises:
        MissingImagesError: If a process was killed.
    """
    pool = ProcessPoolExecutor(available_cores(), get_context("spawn"), initializer=end_with_driver)
    try:
        parts = {
            pool.submit(decode_into_map, [paths[row] for row in part], str(pixels.filename), part.tolist()): part
            for part in in_parts(rows, pixels[0].nbytes)
        }
        for future in as_completed(parts):
            yield Part(parts[future], future.result())
    except BrokenProcessPool as failure:
        raise MissingImagesError(
            "a process that decodes images was killed, perhaps because memory ran out; what is decoded is kept"
        ) from failure
    finally:
        pool.shutdown(cancel_futures=True)
