"""What a folder of images holds, from names and a sample of files, before anything is decoded as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mf_nas_kd.errors import MissingImagesError
from mf_nas_kd.image_files import RefusedFileError
from mf_nas_kd.image_files.opening import opened_image
from mf_nas_kd.images.image_folder import list_image_folder

SAMPLED = 200
SMALL = (32, 32)  # pixels at which colours are compared


@dataclass(frozen=True)
class Survey:
    """Images in class folders.

    Attributes:
        splits: Number of files of each split that the folder has: ``train``, perhaps ``val`` and ``test``.
        classes: Number of training files of each class.
        side: Median of the shorter sides of a sample, in pixels.
        is_grey: Whether no image of the sample has colours.
    """

    splits: Mapping[str, int]
    classes: Mapping[str, int]
    side: int
    is_grey: bool

    @property
    def imbalance(self) -> float:
        """Size of the largest class over that of the smallest."""
        return max(self.classes.values()) / min(self.classes.values())


def survey_folder(folder: Path) -> Survey:
    """Look at a folder of class folders.

    Raises:
        MissingImagesError: If it is none, or no image of a sample can be read.
    """
    groups = list_image_folder(folder)
    splits, classes = Counter[str](), Counter[str]()
    for (split, name), files in groups.items():
        splits[split] += len(files)
        if split == "train":
            classes[name] += len(files)
    paths = [Path(each.path) for files in groups.values() for each in files]
    positions = np.linspace(0, len(paths) - 1, min(SAMPLED, len(paths))).round().astype(int)
    seen = [found for found in map(_look_at, (paths[position] for position in positions)) if found is not None]
    if not seen:
        raise MissingImagesError(f"none of {len(positions)} image files in {str(folder)!r} can be read")
    sides, colours = zip(*seen, strict=True)
    return Survey(dict(splits), dict(classes), int(np.median(sides)), not any(colours))


def _look_at(path: Path) -> tuple[int, bool] | None:
    """Shorter side of an image in pixels, and whether it has colours; None if it cannot be read."""
    try:
        with opened_image(path) as image:
            side = min(image.size)
            image.draft("RGB", SMALL)
            pixels = np.asarray(image.convert("RGB").resize(SMALL, Image.Resampling.BOX), dtype=np.int16)
    except (RefusedFileError, OSError, ValueError, SyntaxError):
        return None
    return side, bool((pixels.max(axis=2) - pixels.min(axis=2)).max() > _GREY_TOLERANCE)


_GREY_TOLERANCE = 24  # levels of 255 by which channels of a grey picture may differ: it may be a JPEG file
