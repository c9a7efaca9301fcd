"""Decoded images in one file that is mapped: no image is decoded twice."""

from __future__ import annotations

import hashlib
import logging
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mf_nas_kd.images.dataset import ImageCollection
from mf_nas_kd.images.inventory import Inventory
from mf_nas_kd.images.journal import Journal, Part
from mf_nas_kd.images.source import Source
from mf_nas_kd.images.unreadable import OnUnreadable, settle_unreadable

logger = logging.getLogger(__name__)

ABANDONED_SECONDS = 24 * 60 * 60  # age at which a temporary file is taken to be that of a killed process
COPIED_BYTES = 2**26  # at a time
UNFINISHED = ".unfinished.npy"


class Decoded(NamedTuple):
    """All images of a source.

    Attributes:
        collection: The images.
        unreadable: Indices of those that cannot be read, ascending; their pixels mean nothing.
    """

    collection: ImageCollection
    unreadable: tuple[int, ...]


def decode_once(source: Source, folder: Path | None, on_unreadable: OnUnreadable = "refuse") -> Decoded:
    """Decode all images of a source into one memory-mapped file, or map the file where it exists already.

    The file gets its name when it is complete. Until then, a journal notes what is decoded: a further attempt, also
    with some files changed, added or removed, decodes the rest only.

    Args:
        source: The source of the images.
        folder: Folder of the file; None to decode into memory without a file.
        on_unreadable: Whether images that cannot be read end the run or are left out.

    Raises:
        MissingImagesError: If images cannot be read, and are to be refused.
    """
    labels, shape = torch.from_numpy(source.labels), (len(source.labels), *source.image_shape)
    if folder is None:
        pixels, failures = np.zeros(shape, dtype=np.uint8), dict[int, str]()
        for part in source.decode(pixels, np.arange(len(pixels))):
            failures.update(part.failures)
        unreadable = settle_unreadable(failures, source.names, None, on_unreadable)
        return Decoded(ImageCollection(torch.from_numpy(pixels), labels, source.names), unreadable)
    inventory = Inventory(source.names, source.states, source.settings)
    path = folder.resolve() / f"pixels-{_key(inventory)}.npy"
    if path.exists():
        logger.info("Using %d images that were decoded earlier: %s", len(labels), path.name)
    else:
        _decode_rest(path, source, inventory, shape, retry=on_unreadable == "refuse")
    failures = Journal.of(path).finished(len(labels))[1]
    unreadable = settle_unreadable(failures, source.names, path.parent, on_unreadable)
    _finish(path)
    return Decoded(ImageCollection.mapped(path, labels), unreadable)


def _key(inventory: Inventory) -> str:
    """Fingerprint of all that decoded pixels depend on, 16 hexadecimal characters."""
    digest = hashlib.sha256(f"{inventory.settings}\n{len(inventory.names)}\n".encode())
    digest.update("\0".join(inventory.names).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(inventory.states).data)
    return digest.hexdigest()[:16]


def _decode_rest(path: Path, source: Source, inventory: Inventory, shape: tuple[int, ...], retry: bool) -> None:
    """Decode what an earlier attempt has not, into the unfinished file; ``retry`` also what could not be read.

    Another run may do the same at the same time: both write the same pixels, and the first to end names the file.
    """
    unfinished, journal, started = path.with_suffix(UNFINISHED), Journal.of(path), time.perf_counter()
    if not unfinished.exists():
        journal.path.unlink(missing_ok=True)
        inventory.write(path)
        if _make(unfinished, shape) and not path.exists():
            _copy_earlier(unfinished, inventory, journal)
    if path.exists():  # the other run has just ended
        unfinished.unlink(missing_ok=True)
        return
    decoded, failures = journal.finished(shape[0])
    done = decoded.copy()
    done[list(failures)] = not retry
    if decoded.any():
        logger.info("Kept %d of %d images that were decoded earlier", decoded.sum(), len(decoded))
    rest = np.flatnonzero(~done)
    try:
        pixels = np.load(unfinished, mmap_mode="r+")
        for part in source.decode(pixels, rest) if len(rest) else ():
            pixels.flush()
            journal.add(part)
    except FileNotFoundError:
        if not path.exists():  # the other run ended first
            raise
    seconds, megabytes = time.perf_counter() - started, np.prod(shape) / 1e6
    logger.info("Decoded %d images in %.1f s into %s (%.0f MB)", len(rest), seconds, path.name, megabytes)


def _make(unfinished: Path, shape: tuple[int, ...]) -> bool:
    """Make a file of pixels with its disk space; whether no other run did it first."""
    temporary = unfinished.with_name(f".{uuid.uuid4().hex}.{unfinished.name}")
    try:
        np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        _reserve(temporary)
        try:
            os.link(temporary, unfinished)
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            temporary.replace(unfinished)
        return True
    finally:
        temporary.unlink(missing_ok=True)


def _finish(path: Path) -> None:
    """Give the file of pixels its name; another run may have done the same, with the same pixels."""
    try:
        path.with_suffix(UNFINISHED).replace(path)
    except FileNotFoundError:
        if not path.exists():
            raise


def _copy_earlier(unfinished: Path, inventory: Inventory, journal: Journal) -> None:
    """Copy the pixels of images that are in other files of the folder; unfinished ones are then of no more use."""
    others = [path for path in sorted(unfinished.parent.glob("pixels-*.npy")) if path != unfinished]
    row_of = {name: row for row, name in enumerate(inventory.names)} if others else {}
    copied = np.zeros(len(inventory.names), dtype=bool)
    for other in others:
        earlier = Inventory.read(other)
        if earlier is None or earlier.settings != inventory.settings:
            continue
        finished, failures = Journal.of(other).finished(len(earlier.names))
        finished[list(failures)] = True
        both = [(row_of[name], row) for row, name in enumerate(earlier.names) if finished[row] and name in row_of]
        rows = np.array(both, dtype=np.int64).reshape(-1, 2)  # in the new file, in the earlier one
        same = (inventory.states[rows[:, 0]] == earlier.states[rows[:, 1]]).all(axis=1)
        for part in _copied(other, unfinished, rows[same & ~copied[rows[:, 0]]]):
            journal.add(Part(part[:, 0], {int(to): failures[int(of)] for to, of in part if int(of) in failures}))
            copied[part[:, 0]] = True
        if other.name.endswith(UNFINISHED):
            _remove(other)


def _copied(source: Path, target: Path, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Copy pixels between files, in bounded memory; ``rows`` ``(n, 2)`` are those of the target and of the source."""
    while len(rows):
        to, of = np.load(target, mmap_mode="r+"), np.load(source, mmap_mode="r")
        part, rows = np.split(rows, [max(1, COPIED_BYTES // to[0].nbytes)])
        to[part[:, 0]] = of[part[:, 1]]
        to.flush()
        yield part


def remove_earlier(path: Path) -> None:
    """Remove other files of decoded images in the folder of ``path``, and temporary files of killed processes.

    Processes that have mapped a removed file keep its content until they end.

    Args:
        path: The file that stays.
    """
    for earlier in path.parent.glob("pixels-*"):
        if earlier.name.partition(".")[0] != path.stem:
            earlier.unlink(missing_ok=True)
    for temporary in path.parent.glob(".*.pixels-*"):
        if time.time() - temporary.stat().st_mtime > ABANDONED_SECONDS:
            temporary.unlink(missing_ok=True)


def _remove(pixels: Path) -> None:
    """Remove a file of pixels with the files beside it."""
    for file in pixels.parent.glob(f"{pixels.name.partition('.')[0]}.*"):
        file.unlink(missing_ok=True)


def _reserve(path: Path) -> None:
    """Allocate the disk space of a file: a write to a mapped file on a full disk would kill the process silently."""
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
