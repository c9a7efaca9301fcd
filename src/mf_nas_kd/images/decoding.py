"""From an image file to pixels of a fixed size; runs in worker processes too."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")
MODES = {1: "L", 3: "RGB"}


def decode_file(path: Path, channels: int, size: int) -> np.ndarray:
    """One image as ``(C, size, size)`` of uint8.

    It is turned as its camera says, scaled (bilinear, with the footprint widened when it shrinks) until the shorter
    side fits, and cropped in the middle. Transparent pixels are laid on white.
    """
    with Image.open(path) as opened:
        image = _upright(opened)
        if image.mode.startswith("I"):  # 16 bits of grey: Pillow would clip them
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
    """Turned as the camera says; as it is where what the camera says is damaged."""
    try:
        return ImageOps.exif_transpose(image)
    except (struct.error, TypeError, ValueError, KeyError):
        return image


def decode_files(paths: Sequence[Path], pixels: np.ndarray) -> list[str]:
    """Write images into ``(n, C, size, size)``; returns a line for each that cannot be read."""
    failures = []
    for place, path in enumerate(paths):
        try:
            pixels[place] = decode_file(path, pixels.shape[1], pixels.shape[2])
        except Exception as failure:  # Pillow's readers raise of all kinds; every one becomes a line with the file
            failures.append(f"{path} ({type(failure).__name__}: {failure})")
    return failures


def decode_into_map(paths: Sequence[Path], map_path: str, start: int) -> list[str]:
    """:func:`decode_files` into a memory-mapped file of numpy's format, from image ``start`` on."""
    pixels = np.load(map_path, mmap_mode="r+")
    failures = decode_files(paths, pixels[start : start + len(paths)])
    pixels.flush()
    return failures
