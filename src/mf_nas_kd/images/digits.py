"""The embedded images: 1,797 handwritten digits, 8x8 pixels, greyscale, from scikit-learn.

References:
    Alpaydin and Kaynak (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning Repository.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.image_files import Pixels
from mf_nas_kd.images.inventory import numbered
from mf_nas_kd.images.journal import Part
from mf_nas_kd.registry import NoOptions, Options
from mf_nas_kd.seeding import fingerprint

BRIGHTEST_VALUE = 16  # a pixel is the number of black pixels in a field of 4x4 pixels of the original


class Digits:
    """All digits, stretched to 0..255, in one split; there are no options."""

    Options: ClassVar[type[Options]] = NoOptions
    image_shape = (1, 8, 8)
    settings = fingerprint(["digits", BRIGHTEST_VALUE])

    def __init__(self, options: NoOptions) -> None:
        from sklearn import datasets  # 1.8 s (one core) that worker processes need not spend

        digits = datasets.load_digits()
        self.class_names = tuple(str(name) for name in digits.target_names)
        self.labels = digits.target.astype(np.int64)
        self.splits = np.full(len(self.labels), "train")
        self.names = numbered(len(self.labels), "train/")
        self.states = np.empty((len(self.labels), 0), dtype=np.int64)
        self._ink = digits.images

    def decode(self, pixels: Pixels, rows: NDArray[np.int64]) -> Iterator[Part]:
        pixels[:, 0] = np.round(self._ink * (255 / BRIGHTEST_VALUE)).astype(np.uint8)
        yield Part(rows, {})
