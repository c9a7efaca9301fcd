"""Names of the images in a file of decoded pixels, in a file beside it that is read where a name is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mf_nas_kd.files import written_whole


def names_path(pixels: Path) -> Path:
    """The file of the names that belong to a file of pixels."""
    return pixels.with_suffix(".names.json")


def write_names(pixels: Path, names: Sequence[str]) -> None:
    """Write the names of the images, in the order of their pixels.

    Args:
        pixels: The file of pixels.
        names: Name of each image; characters that UTF-8 does not have come back as well.
    """
    with written_whole(names_path(pixels)) as temporary:
        temporary.write_text(json.dumps(list(names)))


def read_names(pixels: Path, count: int) -> tuple[str, ...]:
    """Names of the images of a file of pixels.

    Args:
        pixels: The file of pixels.
        count: Number of images, of which each has its number as its name where an earlier version wrote no names.
    """
    path = names_path(pixels)
    return tuple(json.loads(path.read_text())) if path.is_file() else numbered(count)


def numbered(count: int, prefix: str = "") -> tuple[str, ...]:
    """Names of images that have none.

    >>> numbered(3, "train/")
    ('train/0', 'train/1', 'train/2')
    """
    return tuple(f"{prefix}{number}" for number in range(count))
