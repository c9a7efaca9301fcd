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
    """

    classes: int
    shape: tuple[int, int, int]


IMAGE_FORMATS: Mapping[str, ImageFormat] = {
    "cifar10": ImageFormat(10, (3, 32, 32)),
    "cifar100": ImageFormat(100, (3, 32, 32)),
    "imagenet": ImageFormat(1000, (3, 112, 112)),
    "imagenet16": ImageFormat(120, (3, 16, 16)),
}
"""Image formats by the dataset names of the tables; ``imagenet16`` is ImageNet16-120.

For ImageNet, the first convolution of a published network has stride 2 on images of 224 pixels; that of the networks
here has stride 1. On images of 112 pixels all feature maps, and therefore all MACs, are the same.
"""
