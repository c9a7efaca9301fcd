"""A warning of spaces whose networks reduce the images too little."""

from __future__ import annotations

import logging

from mf_nas_kd.networks import build_network
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import Uninitialised, torch_seeded
from mf_nas_kd.records import Architecture

logger = logging.getLogger(__name__)

LARGEST_SIDE = 8
"""Pixels a side of the last feature maps: designs of people for 32 to 224 pixels have 4 to 7 (8 at 128 pixels)."""


def warn_of_large_maps(architecture: Architecture, classes: int, image_shape: tuple[int, int, int]) -> None:
    """Warn where the last feature maps of a space's networks are larger than those of usual designs.

    Such networks are slow, and see only a small part of an image.

    Args:
        architecture: Any architecture of the space: its strides are those of all.
        classes: Number of classes, ``K``.
        image_shape: Shape ``(C, H, W)`` of one image.
    """
    with torch_seeded(0, "map sizes"), Uninitialised():
        network = build_network(architecture, classes, image_shape[0]).eval()
    height, width = forward_empty_batch(network, image_shape).maps[-1].shape[-2:]
    if min(height, width) > LARGEST_SIDE:
        logger.warning(
            "The last feature maps of this space have %d x %d pixels at images of %d x %d: such networks are slow and "
            "see little of an image at once. Usual designs leave 4 to 7: give the space a stem_stride, further stages "
            "of stride 2, or a smaller image_size",
            *(height, width, *image_shape[1:]),
        )
