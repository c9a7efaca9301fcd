"""Decoding of image files to pixels of a fixed size; also called in worker processes.

Files come from anywhere. So only the decoders of three formats are used, and what a file claims to be is compared with
bounds before it is decoded: a file that is refused costs less than 1 GiB of memory.
"""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from mf_nas_kd.files import require_file
from mf_nas_kd.images.dataset import Pixels

SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")
FORMATS = ("JPEG", "PNG", "WEBP")
"""The formats of Pillow that these suffixes stand for. Other decoders are never called, whatever a file contains."""
MODES = {1: "L", 3: "RGB"}
"""Pillow's mode of an image, by the number of channels."""
VERSION = 2
"""Part of the key of decoded pixels. Raise it when a change of the code changes pixels, or which files are refused."""

LARGEST_BYTES = 2**27  # of a file
LARGEST_PIXELS = 2**26  # of an image: 8192x8192; decoding takes up to 16 bytes a pixel
LARGEST_EXIF = 2**16  # bytes: those of one JPEG segment; each of the 5,000 entries that fit may point to all of them
MOST_SCANNED = 2**31  # pixels of all scans of a JPEG file together: each scan of a few bytes may change every pixel

JPEG_START, JPEG_SCAN = b"\xff\xd8", b"\xff\xda"
JPEG_SCAN_HEADER = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")  # 1 to 4 components
JPEG_WITHOUT_LENGTH = {0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)}
"""Second bytes of the markers after which Pillow reads no length."""
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


class _RefusedFileError(Exception):
    """A file is not decoded; the message says why."""


def decode_file(path: Path, channels: int, size: int) -> Pixels:
    """Decode one image.

    The image is rotated by its EXIF orientation, scaled (bilinear, with antialiasing) until its shorter side has the
    target size, and cropped at the centre. Transparent pixels are blended with white. Of an animation, the first frame
    is decoded.

    Args:
        path: File of the image.
        channels: Channels of the result: 1 for greyscale, 3 for colour.
        size: Height and width of the result, in pixels.

    Returns:
        Pixels ``(C, size, size)``, uint8.
    """
    with _opened(path) as opened:
        image = _upright(opened)
        if image.mode.startswith("I"):  # 16 bits per pixel: Pillow would clip them to 8
            image = image.convert("I").point(EIGHT_BITS, "L")
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert(MODES[channels])
        if image.size != (size, size):
            image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image whose pixels are not decoded yet, if it is within the bounds."""
    require_file(path, LARGEST_BYTES)
    content = path.read_bytes()
    if not content:
        raise _RefusedFileError("it has 0 bytes")
    if content.startswith(JPEG_START):
        _require_few(_jpeg_exif_bytes(content), "bytes of EXIF data", LARGEST_EXIF)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large images and of damaged metadata: both are looked at here
        try:
            opened = Image.open(BytesIO(content), formats=FORMATS)
        except Image.DecompressionBombError as failure:
            raise _RefusedFileError(f"it has more than {LARGEST_PIXELS:,} pixels, the most that are read") from failure
        except UnidentifiedImageError as failure:
            raise _RefusedFileError(f"it is no image, or its format is none of {', '.join(FORMATS)}") from failure
        with opened as image:
            pixels = image.width * image.height
            _require_few(pixels, f"pixels ({image.width}x{image.height})", LARGEST_PIXELS)
            if content.startswith(JPEG_START):
                _require_few(pixels * len(JPEG_SCAN_HEADER.findall(content)), "pixels in all scans", MOST_SCANNED)
            yield image


def _require_few(number: int, what: str, most: int) -> None:
    if number > most:
        raise _RefusedFileError(f"it has {number:,} {what}, but must have at most {most:,}")


def _jpeg_exif_bytes(content: bytes) -> int:
    """Bytes of the EXIF data before the pixels of a JPEG file: Pillow parses them when it opens the file."""
    total, position = 0, len(JPEG_START)
    while position < len(content) and not content.startswith(JPEG_SCAN, position):
        marker = content[position : position + 2]
        if marker[0] != 0xFF or marker[1:] in (b"", b"\x00", b"\xff"):  # bytes between segments, which Pillow skips
            position += 1
        elif marker[1] in JPEG_WITHOUT_LENGTH:
            position += 2
        else:
            length = max(2, int.from_bytes(content[position + 2 : position + 4]))
            if content.startswith(b"Exif\0\0", position + 4):
                total += length
            position += 2 + length
    return total


def _upright(image: Image.Image) -> Image.Image:
    """The image rotated by its EXIF orientation; unchanged where the EXIF data are damaged."""
    image.load()  # EXIF data may follow the pixels
    exif_bytes = sum(len(image.info.get(name, "")) for name in ("exif", "Raw profile type exif"))
    _require_few(exif_bytes, "bytes of EXIF data", LARGEST_EXIF)
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except (OSError, struct.error, SyntaxError, TypeError, ValueError, KeyError):
        return image
    return image.transpose(TRANSPOSITIONS[orientation]) if orientation in TRANSPOSITIONS else image


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
        except _RefusedFileError as failure:
            failures.append(f"{printable(path)} ({failure})")
        except Exception as failure:  # Pillow's readers raise errors of many kinds; each becomes a line with the path
            reason = getattr(failure, "strerror", None) or failure  # without the path once more
            failures.append(f"{printable(path)} ({type(failure).__name__}: {reason})")
    return failures


def printable(path: Path) -> str:
    """A path as one line of text; quoted, with escapes, if it has characters that cannot be printed."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


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
