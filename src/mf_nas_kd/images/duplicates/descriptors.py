"""Perceptual descriptors of images and of windows in them: the coefficients of pHash before they are cut to bits.

References:
    Zauner (2010). Implementation and Benchmarking of Perceptual Image Hash Functions. Section 3.2.1. The package
    ``imagehash`` has the 64-bit hash; here the coefficients stay numbers, weighted by their frequency, because 64 bits
    tell too little of a picture of 32 pixels, and windows are computed without resampling any picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from scipy.fft import dct
from torch import Tensor
from torch.nn import functional

SIDE = 32  # height and width of the thumbnails, in pixels, as in pHash
FREQUENCIES = 8  # lowest frequencies of either direction, as in pHash
GREY = (0.299, 0.587, 0.114)  # luma of red, green and blue (ITU-R BT.601), as Pillow computes it
IMAGES_PER_CHUNK = 256  # at 224 pixels, 150 MB as floating-point numbers


@dataclass(frozen=True)
class Window:
    """A rectangle in an image that may be the whole of another image.

    Attributes:
        scale: Height and width, as fractions of the image's, in (0, 1].
        top: Upper edge, as a fraction of the image's height.
        left: Left edge, as a fraction of the image's width.
        mirrored: Whether left and right are exchanged.
    """

    scale: float = 1.0
    top: float = 0.0
    left: float = 0.0
    mirrored: bool = False

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the centre, in [-1, 1] from edge to edge."""
        return 2 * self.top + self.scale - 1, 2 * self.left + self.scale - 1

    @cached_property
    def transforms(self) -> tuple[Tensor, Tensor]:
        """Matrices ``(8, 32)`` that map columns and rows of a thumbnail to cosine coefficients of the window."""
        rows, columns = (_cosines() @ _resampling(self.scale, start) for start in (self.top, self.left))
        return rows, columns * _SIGNS[:, None] if self.mirrored else columns


def _cosines() -> Tensor:
    """The lowest frequencies of the discrete cosine transform (type II, orthonormal), ``(8, 32)``."""
    return torch.from_numpy(dct(torch.eye(SIDE).numpy(), axis=0, norm="ortho")[:FREQUENCIES])


def _resampling(scale: float, start: float) -> Tensor:
    """Matrix ``(32, 32)`` that stretches a part of a line of pixels to the whole line, bilinear."""
    positions = ((start + scale * (torch.arange(SIDE) + 0.5) / SIDE) * SIDE - 0.5).clamp(0, SIDE - 1)
    return (1 - (positions[:, None] - torch.arange(SIDE)).abs()).clamp_min(0)


WHOLE = Window()
_SIGNS = torch.tensor([1.0, -1.0]).repeat(FREQUENCIES // 2)  # a mirrored cosine of an odd frequency is negative
_WEIGHTS = (1 + torch.arange(FREQUENCIES)[:, None] ** 2 + torch.arange(FREQUENCIES) ** 2).sqrt().flatten()
"""Amplitudes in photographs fall as 1 / frequency (Field 1987); the weights give all frequencies a say."""


def thumbnails(pixels: Tensor, among: Tensor) -> Tensor:
    """Images of 32x32 pixels, whatever their proportions.

    Args:
        pixels: Images ``(M, C, H, W)``, uint8; possibly mapped from a file, and read once.
        among: Indices of the images that are wanted, ``(N,)``, int64.

    Returns:
        Thumbnails ``(N, C, 32, 32)``, uint8.
    """
    small = torch.empty((len(among), pixels.shape[1], SIDE, SIDE), dtype=torch.uint8)
    for chosen, written in zip(among.split(IMAGES_PER_CHUNK), small.split(IMAGES_PER_CHUNK), strict=True):
        images = pixels[chosen]
        if images.shape[-2:] != (SIDE, SIDE):
            scaled = functional.interpolate(images.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
            images = scaled.round().clamp(0, 255)
        written.copy_(images)
    return small


def luma(images: Tensor) -> Tensor:
    """Brightness of images ``(n, C, H, W)`` of any type: ``(n, H, W)``, float."""
    weights = torch.tensor(GREY if images.shape[1] == len(GREY) else [1 / images.shape[1]] * images.shape[1])
    return torch.einsum("nchw,c->nhw", images.float(), weights)


def descriptors(brightness: Tensor, window: Window) -> Tensor:
    """Descriptors of a window in each of some images; those of similar pictures have a scalar product near 1.

    Args:
        brightness: Brightness of thumbnails, ``(n, 32, 32)``.
        window: The window.

    Returns:
        Unit vectors ``(n, 63)``, independent of brightness and contrast; 0 for an image without structure.
    """
    rows, columns = window.transforms
    coefficients = (rows @ brightness @ columns.T).flatten(1) * _WEIGHTS
    without_mean = coefficients[:, 1:]
    return functional.normalize(without_mean, dim=1, eps=1.0)
