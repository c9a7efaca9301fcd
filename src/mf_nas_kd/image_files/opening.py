"""Opening of image files that come from anywhere, within bounds.

Only the decoders of some formats are used, and what a file claims to be is compared with bounds before it is decoded: a
file that is refused costs less than 1 GiB of memory.
"""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from mf_nas_kd.files import require_file

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""The formats of Pillow that these suffixes stand for. Other decoders are never called, whatever a file contains."""

LARGEST_BYTES = 2**27  # of a file
LARGEST_PIXELS = 2**26  # of an image: 8192x8192; decoding takes up to 16 bytes a pixel
LARGEST_REDUCED = 2**27  # pixels of a JPEG file that is decoded at an eighth to half of its size
LARGEST_EXIF = 2**16  # bytes: those of one JPEG segment; each of the 5,000 entries that fit may point to all of them
MOST_SCANNED = 2**31  # pixels of all scans of a JPEG file together: each scan of a few bytes may change every pixel

JPEG_START, JPEG_SCAN = b"\xff\xd8", b"\xff\xda"
JPEG_SCAN_HEADER = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")  # 1 to 4 components
JPEG_WITHOUT_LENGTH = {0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)}
"""Second bytes of the markers after which Pillow reads no length."""

TIFF_ORDERS = {b"II": "<", b"MM": ">"}
TIFF_VERSIONS = (b"*\0", b"\0*", b"+\0", b"\0+")  # Pillow accepts them in both orders of bytes
TIFF_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
TIFF_DIRECTORIES = {34665, 34853, 40965}  # tags that point to further entries: EXIF, GPS, interoperability
TIFF_TILE = (322, 323)  # tags of the width and height of a tile


class RefusedFileError(Exception):
    """A file is not decoded; the message says why."""


@contextmanager
def opened_image(file: Path | bytes) -> Iterator[Image.Image]:
    """Open an image whose pixels are not decoded yet, if it is within the bounds.

    Args:
        file: Path of a file, or its content.

    Raises:
        RefusedFileError: If it is not, or is no image.
    """
    content = file if isinstance(file, bytes) else _content(file)
    require_few(len(content), "bytes", LARGEST_BYTES)
    if not content:
        raise RefusedFileError("it has 0 bytes")
    if content.startswith(JPEG_START):
        require_few(_jpeg_header(content)[0], "bytes of EXIF data", LARGEST_EXIF)
    if content[:2] in TIFF_ORDERS and content[2:4] in TIFF_VERSIONS:
        require_few(_tiff_entry_bytes(content), "bytes in the entries of its header", len(content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large images and of damaged metadata: both are looked at here
        try:
            opened = Image.open(BytesIO(content), formats=FORMATS)
        except Image.DecompressionBombError as failure:
            raise RefusedFileError(f"it has more than {LARGEST_PIXELS:,} pixels, the most that are read") from failure
        except UnidentifiedImageError as failure:
            raise RefusedFileError(f"it is no image, or its format is none of {', '.join(FORMATS)}") from failure
        with opened as image:
            _require_bounds(image, content)
            yield image


def _content(path: Path) -> bytes:
    require_file(path, LARGEST_BYTES)
    return path.read_bytes()


def _require_bounds(image: Image.Image, content: bytes) -> None:
    pixels, largest = image.width * image.height, LARGEST_PIXELS
    if content.startswith(JPEG_START):
        scans = len(JPEG_SCAN_HEADER.findall(content))
        require_few(pixels * scans, "pixels in all scans", MOST_SCANNED)
        if is_reducible(image) and len(JPEG_SCAN_HEADER.findall(content, _jpeg_header(content)[1])) == 1:
            largest = LARGEST_REDUCED
    require_few(pixels, f"pixels ({image.width}x{image.height})", largest)
    tile = [getattr(image, "tag_v2", {}).get(tag, 1) for tag in TIFF_TILE]
    require_few(tile[0] * tile[1], "pixels in a tile", LARGEST_PIXELS)


def is_reducible(image: Image.Image) -> bool:
    """Whether an image, not decoded yet, can be decoded at a part of its size in a part of the memory."""
    return image.format in ("JPEG", "MPO") and "progressive" not in image.info


def require_few(number: int, what: str, most: int) -> None:
    """Refuse a file with more than ``most``."""
    if number > most:
        raise RefusedFileError(f"it has {number:,} {what}, but must have at most {most:,}")


def _jpeg_header(content: bytes) -> tuple[int, int]:
    """Bytes of the EXIF data before the pixels of a JPEG file, which Pillow parses; and where the first scan begins."""
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
    return total, position


def _tiff_entry_bytes(content: bytes) -> int:
    """Bytes to which the entries of a TIFF file's header point together: Pillow reads all when it opens the file."""
    order, big = TIFF_ORDERS[content[:2]], content[2:3] == b"+"
    count_format, entry_format = (order + "Q", order + "HHQQ") if big else (order + "H", order + "HHII")
    value_bytes = 8 if big else 4
    waiting, seen, total = [_unpack(order + ("Q" if big else "I"), content, 8 if big else 4)[0]], set[int](), 0
    while waiting:
        start = waiting.pop()
        if start in seen:
            continue
        seen.add(start)
        size, first = struct.calcsize(entry_format), start + struct.calcsize(count_format)
        count = min(_unpack(count_format, content, start)[0], max(0, len(content) - first) // size)
        for tag, kind, number, value in struct.iter_unpack(entry_format, content[first : first + count * size]):
            length = number * TIFF_TYPE_BYTES.get(kind, 0)
            total += length if length > value_bytes else 0
            waiting += [value] if tag in TIFF_DIRECTORIES else []
    return total


def _unpack(pattern: str, content: bytes, position: int) -> tuple[int, ...]:
    """Numbers at a position; zeros beyond the end."""
    size = struct.calcsize(pattern)
    return struct.unpack(pattern, content[position : position + size].ljust(size, b"\0"))
