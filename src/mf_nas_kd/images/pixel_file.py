"""The file of decoded pixels, from which images are gathered in bounded memory."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

MAPPED_BYTES = 2**28  # a larger file is read, not mapped: pages of 2 MiB stay in memory for each image that is gathered


class PixelFile:
    """Pixels of all images in a file of NumPy's format; a pickled one holds the path only.

    Args:
        path: File of pixels ``(M, C, H, W)``, uint8.

    Attributes:
        path: The file.
        pixels: Pixels mapped from the file, ``(M, C, H, W)``, uint8, not to be changed. What is read through them stays
            in the memory of the process; ``gathered`` leaves nothing of a large file behind.
    """

    def __init__(self, path: Path) -> None:
        mapped = np.load(path, mmap_mode="c")
        self.path = path
        self.pixels = torch.from_numpy(mapped)
        self._start: int = mapped.offset
        self._opened: int | None = None
        if mapped.nbytes > MAPPED_BYTES and hasattr(os, "preadv"):
            self._opened = os.open(path, os.O_RDONLY)
            weakref.finalize(self, os.close, self._opened)

    def __reduce__(self) -> tuple[type[PixelFile], tuple[Path]]:
        return type(self), (self.path,)

    def gathered(self, positions: Tensor) -> Tensor:
        """A copy of the images at ``positions``, ``(n,)``, int64, in [0, M): ``(n, C, H, W)``, uint8.

        Raises:
            OSError: If the file became shorter.
        """
        if self._opened is None:
            return self.pixels[positions]
        images = np.empty((len(positions), *self.pixels.shape[1:]), dtype=np.uint8)
        size = self.pixels[0].nbytes
        for image, position in zip(images, positions.tolist(), strict=True):
            if os.preadv(self._opened, [image], self._start + position * size) != size:
                raise OSError(f"{self.path} ends before image {position}")
        return torch.from_numpy(images)
