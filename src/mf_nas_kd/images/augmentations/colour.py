"""Colour maps: brightness, contrast, saturation and hue as one affine map of the channels of a pixel.

References:
    Torchvision's ``ColorJitter`` (2016), with these differences: the four steps have one order and are not cut to the
    range of a byte in between; contrast is about the middle grey, not about the mean of the image, which would be no
    map of single pixels; and hue is a rotation of the chrominance in YIQ, not of the angle in HSV.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError

MIDDLE_GREY = 127.5

YIQ = torch.tensor(
    [[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]], dtype=torch.float64
)
"""Luminance and the two parts of the chrominance of red, green and blue (NTSC, 1953)."""


def colour_maps(brightness: Tensor, contrast: Tensor, saturation: Tensor, hue: Tensor) -> Tensor:
    """Maps of red, green, blue and 1, pixels being in [0, 255]: ``(R, 3, 4)``, float64.

    Args:
        brightness: ``(R,)``, factor of all channels.
        contrast: ``(R,)``, factor of the distance to the middle grey.
        saturation: ``(R,)``, factor of the chrominance.
        hue: ``(R,)``, angle by which the chrominance is turned from red towards green, in whole turns.
    """
    turned = torch.polar(saturation, -2 * math.pi * hue)  # times (I + iQ), whose angle falls from red to green
    one, zero = torch.ones_like(brightness), torch.zeros_like(brightness)
    parts = [one, zero, zero, zero, turned.real, -turned.imag, zero, turned.imag, turned.real]
    chrominance = YIQ.inverse() @ torch.stack(parts, dim=1).view(-1, 3, 3) @ YIQ
    linear = (brightness * contrast)[:, None, None] * chrominance
    constant = (MIDDLE_GREY * (1 - contrast))[:, None, None].expand(-1, 3, 1)  # a grey stays a grey
    return torch.cat([linear, constant], dim=2)


def for_channels(maps: Tensor, channels: int) -> Tensor:
    """The maps for images with three channels, as they are, or with one, ``(R, 1, 2)``: what they do to a grey.

    Raises:
        InvalidValueError: If images have another number of channels.
    """
    if channels not in (1, 3):
        raise InvalidValueError("number of channels of images whose colours are changed", channels, "1 or 3")
    return maps if channels == 3 else torch.cat([maps[:, :1, :3].sum(dim=2, keepdim=True), maps[:, :1, 3:]], dim=2)


def recolour(images: Tensor, maps: Tensor) -> Tensor:
    """Apply a colour map to each image.

    Args:
        images: ``(B, C, H, W)``, floating point, in [0, 255].
        maps: ``(B, C, C + 1)``, one for each image.

    Returns:
        ``(B, C, H, W)``, perhaps beyond [0, 255].
    """
    weights = maps[..., None, None]
    mixed = weights[:, :, -1]
    for channel in range(images.shape[1]):  # a product of matrices would be rounded by the size of the batch
        mixed = mixed + weights[:, :, channel] * images[:, channel, None]
    return mixed
