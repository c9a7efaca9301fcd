"""The protocol of a source of images, and the file in which its decoded images are kept."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from mf_nas_kd.files import written_whole
from mf_nas_kd.images.dataset import ImageCollection, Pixels
from mf_nas_kd.images.names import names_path, write_names
from mf_nas_kd.registry import Options

logger = logging.getLogger(__name__)

ABANDONED_SECONDS = 24 * 60 * 60  # age at which a temporary file is taken to be that of a killed process


class Source(Protocol):
    """Knows which images there are before it decodes them.

    Obligations: a source is constructed from an instance of its ``Options``; the constructor checks the files, and what
    costs time is left to ``decode``.

    Attributes:
        Options: Model of the options.
        class_names: Names of the ``K`` classes; a label is an index into them.
        labels: Labels of all images, ``(M,)``, int64, in [0, K).
        names: Unique name of every image, ``M`` of them; of a file its path below the folder of all, with ``/``.
        splits: Split of every image, ``(M,)``, each one of ``dataset.SPLITS``. ``validation`` and ``test`` may be
            absent; they are then drawn from ``train``.
        image_shape: Shape ``(C, H, W)`` of every decoded image.
        key: Hexadecimal fingerprint of the files and of the options that the decoded pixels depend on.
    """

    Options: ClassVar[type[Options]]
    class_names: tuple[str, ...]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    splits: NDArray[np.str_]
    image_shape: tuple[int, int, int]
    key: str

    def __init__(self, options: Any) -> None: ...

    def decode(self, pixels: Pixels) -> None:
        """Decode all images into an array ``(M, C, H, W)``, uint8, in memory or mapped from a file.

        Raises:
            MissingImagesError: If an image cannot be read.
        """
        ...


class Decoded(NamedTuple):
    """All images of a source.

    Attributes:
        collection: The images.
        unreadable: Indices of those that could not be read, ascending; their pixels mean nothing.
    """

    collection: ImageCollection
    unreadable: tuple[int, ...]


def decode_once(source: Source, folder: Path | None) -> Decoded:
    """Decode all images of a source into one memory-mapped file, or map the file where it exists already.

    The file is written atomically: it gets its name when it is complete.

    Args:
        source: The source of the images.
        folder: Folder of the file; None to decode into memory without a file.

    Raises:
        MissingImagesError: If an image cannot be read.
    """
    labels, shape = torch.from_numpy(source.labels), (len(source.labels), *source.image_shape)
    if folder is None:
        pixels = np.empty(shape, dtype=np.uint8)
        source.decode(pixels)
        return Decoded(ImageCollection(torch.from_numpy(pixels), labels, source.names), ())
    path = folder.resolve() / f"pixels-{source.key}.npy"
    if path.exists():
        logger.info("Using %d images that were decoded earlier: %s", len(labels), path.name)
    else:
        started = time.perf_counter()
        _decode_into(path, source, shape)
        megabytes = path.stat().st_size / 1e6
        seconds = time.perf_counter() - started
        logger.info("Decoded %d images in %.1f s into %s (%.0f MB)", len(labels), seconds, path.name, megabytes)
    if not names_path(path).is_file():  # an earlier version wrote none
        write_names(path, source.names)
    return Decoded(ImageCollection.mapped(path, labels), ())


def without(source: Source, unreadable: Sequence[int]) -> NDArray[np.str_]:
    """Split of every image of a source, ``(M,)``; an empty name for those that cannot be read."""
    splits = source.splits.copy()
    splits[list(unreadable)] = ""
    return splits


def _decode_into(path: Path, source: Source, shape: tuple[int, ...]) -> None:
    """Decode all images of a source into a new file of NumPy's format."""
    with written_whole(path) as temporary:
        pixels = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        _reserve(temporary)
        source.decode(pixels)
        pixels.flush()


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


def _reserve(path: Path) -> None:
    """Allocate the disk space of a file: a write to a mapped file on a full disk would kill the process silently."""
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
