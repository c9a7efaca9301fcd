"""The protocol of a source of images, and how its images are decoded once and kept."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch

from mf_nas_kd.files import written_whole
from mf_nas_kd.images.dataset import ImageCollection
from mf_nas_kd.registry import Options

logger = logging.getLogger(__name__)

ABANDONED_SECONDS = 24 * 60 * 60


class Source(Protocol):
    """Knows which images there are before it decodes them.

    Obligations: a source is constructed from an instance of its ``Options``; the constructor looks and refuses, and
    what costs time is left to ``decode``.

    Attributes:
        Options: Model of the options.
        class_names: ``K`` names, by label.
        labels: ``(M,)``, int64.
        splits: ``(M,)``, for every image one of ``dataset.SPLITS``. ``validation`` and ``test`` may be absent; they are
            then drawn from ``train``.
        image_shape: ``(C, H, W)`` of every decoded image.
        key: Hexadecimal characters that differ as soon as what would be decoded does.
    """

    Options: ClassVar[type[Options]]
    class_names: tuple[str, ...]
    labels: np.ndarray
    splits: np.ndarray
    image_shape: tuple[int, int, int]
    key: str

    def __init__(self, options: Any) -> None: ...

    def decode(self, pixels: np.ndarray) -> None:
        """Write all images into ``(M, C, H, W)`` of uint8, which is a map of a file or lies in memory."""
        ...


def decode_once(source: Source, folder: Path | None) -> ImageCollection:
    """All images of a source, decoded into one memory-mapped file, or mapped from it where it was decoded before.

    The file is complete or not there: it gets its name when everything is in it.

    Args:
        source: What to decode.
        folder: Where the file is kept; None to decode into memory and keep nothing.
    """
    labels, shape = torch.from_numpy(source.labels), (len(source.labels), *source.image_shape)
    if folder is None:
        pixels = np.empty(shape, dtype=np.uint8)
        source.decode(pixels)
        return ImageCollection(torch.from_numpy(pixels), labels)
    path = folder.resolve() / f"pixels-{source.key}.npy"
    if path.exists():
        logger.info("%d images were decoded before: %s", len(labels), path.name)
    else:
        started = time.perf_counter()
        _decode_into(path, source, shape)
        megabytes = path.stat().st_size / 1e6
        seconds = time.perf_counter() - started
        logger.info("Decoded %d images in %.1f s into %s (%.0f MB)", len(labels), seconds, path.name, megabytes)
    return ImageCollection.mapped(path, labels)


def _decode_into(path: Path, source: Source, shape: tuple[int, ...]) -> None:
    with written_whole(path) as temporary:
        pixels = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        _reserve(temporary)
        source.decode(pixels)
        pixels.flush()


def remove_earlier(path: Path) -> None:
    """Remove the pixels of earlier states of the source beside ``path``, and what killed processes left.

    Processes that have mapped a removed file keep it until they end.
    """
    for earlier in path.parent.glob("pixels-*.npy"):
        if earlier != path:
            earlier.unlink(missing_ok=True)
    for temporary in path.parent.glob(".*.pixels-*.npy"):
        if time.time() - temporary.stat().st_mtime > ABANDONED_SECONDS:
            temporary.unlink(missing_ok=True)


def _reserve(path: Path) -> None:
    """Take the disk space now: writing into a map on a full disk would kill the process without a word."""
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
