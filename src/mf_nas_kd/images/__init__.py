"""Images as tensors: sources, splits, nested subsets, augmentations, batches on the device.

Letters of shapes: ``N`` images, ``M`` images of a whole collection, ``C`` channels, ``H`` and ``W`` height and width.
One source a file, one line a source in the table of ``loading``.
"""

from __future__ import annotations

from mf_nas_kd.images.augmentations import (
    AUGMENTATIONS,
    Augmentation,
    AugmentationSettings,
    CropFlip,
    Identity,
    ResizedCrop,
    Strong,
    build_augmentation,
)
from mf_nas_kd.images.class_counts import class_counts, warn_of_small_subset
from mf_nas_kd.images.dataset import ImageCollection, ImageDataset, LabelledImages
from mf_nas_kd.images.draws import Draws
from mf_nas_kd.images.duplicates import (
    DuplicatesAction,
    action_for,
    describe,
    duplicates_of,
    duplicates_table,
    no_pairs,
)
from mf_nas_kd.images.groups import GroupOptions
from mf_nas_kd.images.loading import SOURCES, load_images
from mf_nas_kd.images.mixup import Mixture, mixtures
from mf_nas_kd.images.pairs import PairIndex
from mf_nas_kd.images.resident import Batch, ResidentImages
from mf_nas_kd.images.source import Source
from mf_nas_kd.images.splits import split_stratified
from mf_nas_kd.images.subsets import SubsetOrder
from mf_nas_kd.images.unreadable import OnUnreadable

__all__ = [
    "AUGMENTATIONS",
    "SOURCES",
    "Augmentation",
    "AugmentationSettings",
    "Batch",
    "CropFlip",
    "Draws",
    "DuplicatesAction",
    "GroupOptions",
    "Identity",
    "ImageCollection",
    "ImageDataset",
    "LabelledImages",
    "Mixture",
    "OnUnreadable",
    "PairIndex",
    "ResidentImages",
    "ResizedCrop",
    "Source",
    "Strong",
    "SubsetOrder",
    "action_for",
    "build_augmentation",
    "class_counts",
    "describe",
    "duplicates_of",
    "duplicates_table",
    "load_images",
    "mixtures",
    "no_pairs",
    "split_stratified",
    "warn_of_small_subset",
]
