"""Affine maps from the pixels of an augmented image to places in the image: crop, aspect, flip and rotation in one.

Every number is computed by element-wise operations, whose results do not depend on the other images of a batch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.images.augmentations.boxes import pixel_centres


def affine_maps(centres: Tensor, sizes: Tensor, flipped: Tensor, angles: Tensor, shape: float) -> Tensor:
    """Maps from coordinates of the augmented image to those of the image: ``(R, 2, 3)``, horizontal first.

    Args:
        centres: ``(R, 2)``, centre of each crop, in the coordinates of :mod:`.boxes`.
        sizes: ``(R, 2)``, width and height of each crop, as shares of the image's.
        flipped: ``(R,)``, bool, whether the crop is mirrored left to right.
        angles: ``(R,)``, angle in radians by which the crop is turned about its centre, in pixels.
        shape: Width of the images divided by their height.
    """
    widths = torch.where(flipped, -sizes[:, 0], sizes[:, 0])
    heights, cosine, sine = sizes[:, 1], angles.cos(), angles.sin()
    across = torch.stack([widths * cosine, -heights * sine / shape, centres[:, 0]], dim=1)
    down = torch.stack([widths * sine * shape, heights * cosine, centres[:, 1]], dim=1)
    return torch.stack([across, down], dim=1)


def sample(images: Tensor, maps: Tensor) -> Tensor:
    """Sample images at the places to which the maps lead, bilinearly; beyond its edges an image is mirrored.

    A crop is never larger than its image, but for its padding: nothing is reduced, so nothing has to be averaged.

    Args:
        images: ``(B, C, H, W)``, floating point.
        maps: ``(B, 2, 3)``, one for each image.

    Returns:
        ``(B, C, H, W)``.
    """
    height, width = images.shape[-2:]
    across, down, shift = (maps[:, None, None, :, part] for part in range(3))  # (B, 1, 1, 2) each
    columns = pixel_centres(width, images.device)[:, None] * across  # (B, 1, W, 2)
    rows = pixel_centres(height, images.device)[:, None, None] * down + shift  # (B, H, 1, 2)
    return functional.grid_sample(images, rows + columns, padding_mode="reflection", align_corners=False)
