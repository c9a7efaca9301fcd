"""Decoding of image files to pixels of a fixed size; also called in worker processes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mf_nas_kd.images.dataset import Pixels

SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")
MODES = {1: "L", 3: "RGB"}
"""Pillow's mode of an image, by the number of channels."""


def decode_file(path: Path, channels: int, size: int) -> Pixels:
    """Decode one image.

    The image is rotated by its EXIF orientation, scaled (bilinear, with antialiasing) until its shorter side has the
    target size, and cropped at the centre. Transparent pixels are blended with white.

    Args:
        path: File of the image.
        channels: Channels of the result: 1 for greyscale, 3 for colour.
        size: Height and width of the result, in pixels.

    Returns:
        Pixels ``(C, size, size)``, uint8.
    """
    with Image.open(path) as opened:
        image = _upright(opened)
        if image.mode.startswith("I"):  # 16 bits per pixel: Pillow would clip them to 8
            image = Image.fromarray((np.asarray(image, dtype=np.float64) / 257).round().clip(0, 255).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert(MODES[channels])
        if image.size != (size, size):
            image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _upright(image: Image.Image) -> Image.Image:
    """The image rotated by its EXIF orientation; unchanged where the EXIF data are damaged."""
    try:
        return ImageOps.exif_transpose(image)
    except (struct.error, TypeError, ValueError, KeyError):
        return image


def decode_files(paths: Sequence[Path], pixels: Pixels) -> list[str]:
    """Decode images into an array.

    Args:
        paths: Files of ``n`` images.
        pixels: Array ``(n, C, size, size)``, uint8, that receives the images.

    Returns:
        One line for each image that cannot be read, with its path.
    """
    failures = []
    for index, path in enumerate(paths):
        try:
            pixels[index] = decode_file(path, pixels.shape[1], pixels.shape[2])
        except Exception as failure:  # Pillow's readers raise errors of many kinds; each becomes a line with the path
            failures.append(f"{path} ({type(failure).__name__}: {failure})")
    return failures


def decode_into_map(paths: Sequence[Path], map_path: str, start: int) -> list[str]:
    """Decode images into a memory-mapped file of NumPy's format.

    Args:
        paths: Files of ``n`` images.
        map_path: File of pixels ``(M, C, size, size)``, uint8.
        start: Index in the map of the first image.

    Returns:
        One line for each image that cannot be read, with its path.
    """
    pixels = np.load(map_path, mmap_mode="r+")
    failures = decode_files(paths, pixels[start : start + len(paths)])
    pixels.flush()
    return failures
