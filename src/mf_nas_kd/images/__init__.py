"""Images as tensors: loading, splits, nested subsets, finite views, batches on the device.

Letters of shapes: ``N`` images, ``C`` channels, ``H`` and ``W`` height and width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mf_nas_kd.images.dataset import ImageDataset, LabelledImages
from mf_nas_kd.images.digits import load_digits
from mf_nas_kd.images.resident import Batch, ResidentImages
from mf_nas_kd.images.splits import split_stratified
from mf_nas_kd.images.subsets import SubsetOrder
from mf_nas_kd.images.views import Views, ViewSettings
from mf_nas_kd.registry import lookup

SOURCES: Mapping[str, Callable[[], tuple[LabelledImages, tuple[str, ...]]]] = {
    "digits": load_digits,
}


def load_images(source: str, validation_fraction: float, test_fraction: float, seed: int) -> ImageDataset:
    """Load a source and split it into training, validation and test images.

    Args:
        source: A name in ``SOURCES``.
        validation_fraction: Share of the images that selects, in (0, 1).
        test_fraction: Share of the images that is only reported, in (0, 1).
        seed: Seed of the split.

    Raises:
        UnknownNameError: If the source is not known.
    """
    images, class_names = lookup(SOURCES, source, "images.source")()
    parts = split_stratified(images, {"validation": validation_fraction, "test": test_fraction}, seed)
    return ImageDataset(
        name=source,
        class_names=class_names,
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
    )


__all__ = [
    "SOURCES",
    "Batch",
    "ImageDataset",
    "LabelledImages",
    "ResidentImages",
    "SubsetOrder",
    "ViewSettings",
    "Views",
    "load_images",
    "split_stratified",
]
