"""What a count of operations needs to know of the images of published tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ImageFormat:
    """Of one dataset.

    Attributes:
        classes: ``K``.
        shape: ``(C, H, W)`` of one image.
    """

    classes: int
    shape: tuple[int, int, int]


IMAGE_FORMATS: Mapping[str, ImageFormat] = {
    "cifar10": ImageFormat(10, (3, 32, 32)),
    "cifar100": ImageFormat(100, (3, 32, 32)),
    "imagenet": ImageFormat(1000, (3, 112, 112)),
    "imagenet16": ImageFormat(120, (3, 16, 16)),
}
"""By the name that the tables use; ``imagenet16`` is ImageNet16-120.

A network for ImageNet halves its 224 pixels in the first convolution, which has stride 1 in the networks here: on 112
pixels all maps, and so all operations, are the same.
"""
