"""Images as tensors: sources, splits, nested subsets, augmentations, batches on the device.

Letters of shapes: ``N`` images, ``M`` images of a whole collection, ``C`` channels, ``H`` and ``W`` height and width.
One source a file, one line a source in the table below.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images.augmentations import (
    AUGMENTATIONS,
    Augmentation,
    AugmentationSettings,
    CropFlip,
    Identity,
    build_augmentation,
)
from mf_nas_kd.images.cifar import CIFAR10, CIFAR100
from mf_nas_kd.images.dataset import ImageCollection, ImageDataset, LabelledImages
from mf_nas_kd.images.decoded import decode_once
from mf_nas_kd.images.digits import Digits
from mf_nas_kd.images.draws import Draws
from mf_nas_kd.images.image_folder import ImageFolder
from mf_nas_kd.images.mixup import Mixture, mixtures
from mf_nas_kd.images.pairs import PairIndex
from mf_nas_kd.images.resident import Batch, ResidentImages
from mf_nas_kd.images.source import Source, without
from mf_nas_kd.images.splits import split_stratified
from mf_nas_kd.images.subsets import SubsetOrder
from mf_nas_kd.images.unreadable import OnUnreadable
from mf_nas_kd.registry import Options, configured

SOURCES: Mapping[str, type[Source]] = {
    "digits": Digits,
    "image_folder": ImageFolder,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
}


def load_images(
    source: str,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    options: Options | Mapping[str, Any] | None = None,
    folder: Path | None = None,
    on_unreadable: OnUnreadable = "refuse",
) -> ImageDataset:
    """Load a source; validation and test images that it does not have are split off its training images.

    Args:
        source: A name in ``SOURCES``.
        validation_fraction: Fraction of the training images that selects, in (0, 1).
        test_fraction: Fraction of the training images that is only reported, in (0, 1).
        seed: Seed of the split.
        options: An instance of the source's ``Options``, or its fields; None where it has none.
        folder: Where decoded images are kept in a memory-mapped file and found again; None keeps them in memory.
        on_unreadable: Whether images that cannot be read end the run, or are left out with a warning.

    Raises:
        UnknownNameError: If the source is not known.
        pydantic.ValidationError: If an option is missing, unknown, or not allowed.
        MissingImagesError: If images are missing, or cannot be read and are to be refused.
        InvalidValueError: If there are fewer than two classes, or one is too small to be split.
    """
    source_class, validated = configured(SOURCES, source, {} if options is None else options, "images.source")
    opened = source_class(validated)
    if len(opened.class_names) < 2:
        raise InvalidValueError("classes", list(opened.class_names), "at least two")
    fractions = {"validation": validation_fraction, "test": test_fraction}
    positions = _split(opened, opened.splits, fractions, seed)  # what is refused is refused before images are decoded
    collection, unreadable = decode_once(opened, folder, on_unreadable)
    if unreadable:
        positions = _split(opened, without(opened, unreadable), fractions, seed)
    return ImageDataset.of(source, opened.class_names, collection, positions)


def _split(
    source: Source, splits: NDArray[np.str_], fractions: Mapping[str, float], seed: int
) -> dict[str, torch.Tensor]:
    """Positions by split: those that the source has, and the others drawn from its training images."""
    given = {split: torch.from_numpy(np.flatnonzero(splits == split)) for split in ("train", *fractions)}
    wanted = {split: fraction for split, fraction in fractions.items() if len(given[split]) == 0}
    train = given["train"]
    drawn = split_stratified(torch.from_numpy(source.labels)[train], wanted, seed, source.class_names)
    return given | {split: train[positions] for split, positions in drawn.items()}


__all__ = [
    "AUGMENTATIONS",
    "SOURCES",
    "Augmentation",
    "AugmentationSettings",
    "Batch",
    "CropFlip",
    "Draws",
    "Identity",
    "ImageCollection",
    "ImageDataset",
    "LabelledImages",
    "Mixture",
    "OnUnreadable",
    "PairIndex",
    "ResidentImages",
    "Source",
    "SubsetOrder",
    "build_augmentation",
    "load_images",
    "mixtures",
    "split_stratified",
]
