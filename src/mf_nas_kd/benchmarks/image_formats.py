"""Shape and number of classes of the datasets of published tables, from which MACs and parameters are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ImageFormat:
    """Number of classes and image shape of one dataset.

    Attributes:
        classes: Number of classes, ``K``.
        shape: Shape ``(C, H, W)`` of one image.
        imagenet_form: Whether the networks have the stem that was published for ImageNet.
    """

    classes: int
    shape: tuple[int, int, int]
    imagenet_form: bool = False


IMAGE_FORMATS: Mapping[str, ImageFormat] = {
    "cifar10": ImageFormat(10, (3, 32, 32)),
    "cifar100": ImageFormat(100, (3, 32, 32)),
    "imagenet": ImageFormat(1000, (3, 224, 224), imagenet_form=True),
    "imagenet16": ImageFormat(120, (3, 16, 16)),
}
"""Image formats by the dataset names of the tables; ``imagenet16`` is ImageNet16-120.

The files do not tell the size of ImageNet's images. ``benchmarks/imagenet_sizes.py`` compares 224 and 112 pixels.
"""
