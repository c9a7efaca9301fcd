"""The embedded images: 1,797 handwritten digits, 8x8 grey, that come with scikit-learn.

References:
    Alpaydin and Kaynak (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning Repository.
"""

from __future__ import annotations

import torch
from sklearn import datasets

from mf_nas_kd.images.dataset import LabelledImages

BRIGHTEST_VALUE = 16  # each pixel counts the ink in a 4x4 field


def load_digits() -> tuple[LabelledImages, tuple[str, ...]]:
    """All digits as ``(1797, 1, 8, 8)`` uint8, stretched to 0..255, and the names of the ten classes."""
    digits = datasets.load_digits()
    pixels = torch.from_numpy(digits.images).mul(255 / BRIGHTEST_VALUE).round().to(torch.uint8)
    labels = torch.from_numpy(digits.target).to(torch.int64)
    return LabelledImages(pixels.unsqueeze(1), labels), tuple(str(name) for name in digits.target_names)
