"""CIFAR-10 and CIFAR-100 through torchvision: 50,000 training and 10,000 test images, 32x32 colour.

References:
    Krizhevsky (2009). Learning Multiple Layers of Features from Tiny Images. Technical report, University of Toronto.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torchvision import datasets

from mf_nas_kd.errors import MissingImagesError
from mf_nas_kd.image_files import Pixels
from mf_nas_kd.images.inventory import numbered
from mf_nas_kd.images.journal import Part
from mf_nas_kd.registry import Options
from mf_nas_kd.seeding import fingerprint

LARGEST_BYTES = 2**28  # of a file, whose checksum is computed before it is read; the largest has 155 million


class CIFAROptions(Options):
    """Where the files of CIFAR are.

    Attributes:
        folder: The folder that holds the unpacked archive's folder, as torchvision lays it out.
        download: Whether to fetch the archive (160 MB) where it is not there.
    """

    folder: str
    download: bool


class CIFAR10:
    """CIFAR-10: ten classes."""

    Options: ClassVar[type[Options]] = CIFAROptions
    image_shape = (3, 32, 32)
    dataset: type[datasets.CIFAR10] = datasets.CIFAR10
    title = "CIFAR-10"

    def __init__(self, options: CIFAROptions) -> None:
        train, test = (self._open(options, train) for train in (True, False))
        self.class_names = tuple(train.classes)
        self.labels = np.array([*train.targets, *test.targets], dtype=np.int64)
        self.splits = np.array(["train"] * len(train.targets) + ["test"] * len(test.targets))
        self.names = numbered(len(train.targets), "train/") + numbered(len(test.targets), "test/")
        self.states = np.empty((len(self.labels), 0), dtype=np.int64)
        self.settings = fingerprint([self.title])  # torchvision has compared the files with their checksums
        self._pixels = (train.data, test.data)

    def _open(self, options: CIFAROptions, train: bool) -> datasets.CIFAR10:
        """Open the training or the test images.

        The files are pickles; torchvision reads them only if they have the published checksums.

        Raises:
            MissingImagesError: If the files do not exist or are damaged.
        """
        folder = Path(options.folder)
        if options.download:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            for path in (folder / self.dataset.base_folder).glob("*"):
                if path.stat().st_size > LARGEST_BYTES:
                    raise OSError(f"{path} has {path.stat().st_size:,} bytes, but must have at most {LARGEST_BYTES:,}")
            return self.dataset(folder, train=train, download=options.download)
        except (RuntimeError, OSError) as failure:
            raise MissingImagesError(
                f"{self.title} is not in {str(folder)!r}, or is damaged, and "
                + ("the download failed" if options.download else "download is false")
                + f"; put the unpacked archive there, or set download: true in images.options ({failure})"
            ) from failure

    def decode(self, pixels: Pixels, rows: NDArray[np.int64]) -> Iterator[Part]:
        start = 0
        for part in self._pixels:  # training and test images, (n, H, W, C) each
            pixels[start : start + len(part)] = part.transpose(0, 3, 1, 2)
            start += len(part)
        yield Part(rows, {})


class CIFAR100(CIFAR10):
    """CIFAR-100: a hundred classes."""

    dataset = datasets.CIFAR100
    title = "CIFAR-100"
