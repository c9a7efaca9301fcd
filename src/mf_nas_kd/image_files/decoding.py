"""Decoding of image files to pixels; also called in worker processes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from mf_nas_kd.image_files.opening import (
    LARGEST_EXIF,
    LARGEST_PIXELS,
    RefusedFileError,
    is_reducible,
    opened_image,
    require_few,
)

Pixels = NDArray[np.uint8]
"""Images ``(n, C, H, W)`` or one image, uint8."""

MODES = {1: "L", 3: "RGB"}
"""Pillow's mode of an image, by the number of channels."""
VERSION = 3
"""Part of the key of decoded pixels. Raise it when a change of the code changes pixels, or which files are refused."""

REDUCED_AT_LEAST = 4  # times the wanted size: what is decoded at a part of its size is scaled further
TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by its EXIF orientation."""
EIGHT_BITS = (np.arange(2**16) / 257).round().astype(np.uint8).tolist()
"""Values of 8 bits, by values of 16 bits."""


def decode_file(path: Path, channels: int, size: tuple[int, int]) -> Pixels:
    """Decode one image.

    The image is rotated by its EXIF orientation, scaled (bilinear, with antialiasing) until it covers the target size,
    and cropped at the centre. Transparent pixels are blended with white. Of an animation or of several pages, the
    first is decoded.

    Args:
        path: File of the image.
        channels: Channels of the result: 1 for greyscale, 3 for colour.
        size: Height and width ``(H, W)`` of the result, in pixels.

    Returns:
        Pixels ``(C, H, W)``, uint8.

    Raises:
        RefusedFileError: If the file is no image, is not within the bounds, or has values of an unknown range.
    """
    image = _read(path, channels, max(size))
    if image.size != size[::-1]:
        image = ImageOps.fit(image, size[::-1], Image.Resampling.BILINEAR)
    return _channels_last(image).transpose(2, 0, 1)


def pixels_of_file(file: Path | bytes, channels: int, size: tuple[int, int]) -> Pixels:
    """Decode one image as :func:`decode_file` does, before it is scaled and cropped.

    Args:
        file: Path of the file of the image, or its content.
        channels: Channels of the result: 1 for greyscale, 3 for colour.
        size: Height and width to which the image will be scaled, in pixels: a JPEG file that is too large to be decoded
            as a whole is decoded at a part of its size, which is at least ``REDUCED_AT_LEAST`` times this one.

    Returns:
        Pixels ``(H, W, C)``, uint8, of the file's own height and width.

    Raises:
        RefusedFileError: As in :func:`decode_file`.
    """
    return _channels_last(_read(file, channels, max(size)))


def _read(file: Path | bytes, channels: int, longer_side: int) -> Image.Image:
    """The image upright, without transparency, with 8 bits and the wanted channels."""
    with opened_image(file) as opened:
        if opened.width * opened.height > LARGEST_PIXELS and is_reducible(opened):
            opened.draft(None, (REDUCED_AT_LEAST * longer_side,) * 2)
            require_few(opened.width * opened.height, "pixels at the least size", LARGEST_PIXELS)
        image = _eight_bits(_upright(opened), opened.format)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        converted = image.convert(MODES[channels])
        converted.load()
        return converted


def _channels_last(image: Image.Image) -> Pixels:
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _eight_bits(image: Image.Image, file_format: str | None) -> Image.Image:
    """The image with 16 bits a pixel scaled to 8, where Pillow would clip them.

    Raises:
        RefusedFileError: If the values are floating-point numbers or integers of 32 bits: which one is white?
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and file_format == "PNG"):
        return image.convert("I").point(EIGHT_BITS, "L")
    if image.mode in ("I", "F"):
        kind = "floating-point numbers" if image.mode == "F" else "signed integers or integers of 32 bits"
        raise RefusedFileError(f"its pixels are {kind}, of which none is known to be white: save it with 8 or 16 bits")
    return image


def _upright(image: Image.Image) -> Image.Image:
    """The image rotated by its EXIF orientation; unchanged where the EXIF data are damaged."""
    image.load()  # EXIF data may follow the pixels
    exif_bytes = sum(len(image.info.get(name, "")) for name in ("exif", "Raw profile type exif"))
    require_few(exif_bytes, "bytes of EXIF data", LARGEST_EXIF)
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except (OSError, struct.error, SyntaxError, TypeError, ValueError, KeyError):
        return image
    return image.transpose(TRANSPOSITIONS[orientation]) if orientation in TRANSPOSITIONS else image


def decode_files(paths: Sequence[str], pixels: Pixels, rows: Sequence[int]) -> dict[int, str]:
    """Decode images into their places in an array.

    Args:
        paths: Files of ``n`` images.
        pixels: Array ``(M, C, H, W)``, uint8.
        rows: Indices in the array of the images, ``n`` of them.

    Returns:
        Why an image cannot be read, by its index in the array.
    """
    failures = {}
    for path, row in zip(paths, rows, strict=True):
        try:
            pixels[row] = decode_file(Path(path), pixels.shape[1], pixels.shape[2:])
        except RefusedFileError as failure:
            failures[row] = str(failure)
        except Exception as failure:  # Pillow's readers raise errors of many kinds; each becomes a reason
            reason = getattr(failure, "strerror", None) or failure  # without the path
            failures[row] = f"{type(failure).__name__}: {reason}"
    return failures


def decode_into_map(paths: Sequence[str], map_path: str, rows: Sequence[int]) -> dict[int, str]:
    """Decode images as :func:`decode_files` does, into a memory-mapped file of NumPy's format.

    Args:
        paths: Files of ``n`` images.
        map_path: File of pixels ``(M, C, H, W)``, uint8.
        rows: Indices in the file of the images, ``n`` of them.
    """
    mapped = np.load(map_path, mmap_mode="r+")  # anew for each part: what is written stays in memory while it is mapped
    return decode_files(paths, mapped, rows)
