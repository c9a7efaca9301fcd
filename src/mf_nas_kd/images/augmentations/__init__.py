"""Augmentations: finite tables of rows, applied to batches on the device.

One augmentation a file, one line an augmentation in the table below. Letters of shapes: ``R`` rows of a table, ``B``
images of a batch, ``C`` channels, ``H`` and ``W`` height and width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, model_validator

from mf_nas_kd.images.augmentations.augmentation import Augmentation
from mf_nas_kd.images.augmentations.crop_flip import CropFlip
from mf_nas_kd.images.augmentations.none import Identity
from mf_nas_kd.images.augmentations.resized_crop import ResizedCrop
from mf_nas_kd.images.augmentations.strong import Strong
from mf_nas_kd.registry import NameIn, Options, OptionsOf, lookup

AUGMENTATIONS: Mapping[str, type[Augmentation]] = {
    "none": Identity,
    "crop_flip": CropFlip,
    "resized_crop": ResizedCrop,
    "strong": Strong,
}


class AugmentationSettings(BaseModel):
    """Augmentation of the training images; the teacher's training has the same.

    Attributes:
        name: A name in ``AUGMENTATIONS``.
        options: Options of each augmentation, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, NameIn(AUGMENTATIONS, "augmentation.name")]
    options: Annotated[Mapping[str, Options], OptionsOf(AUGMENTATIONS, "augmentation.options")]

    @model_validator(mode="after")
    def _can_be_built(self) -> AugmentationSettings:
        lookup(self.options, self.name, "augmentation.name without augmentation.options")
        self.build()
        return self

    def build(self) -> Augmentation:
        """Build the augmentation.

        Raises:
            InvalidValueError: If a value is out of its range.
        """
        return build_augmentation(self.name, self.options[self.name])


def build_augmentation(name: str, options: Options) -> Augmentation:
    """Build an augmentation.

    Args:
        name: A name in ``AUGMENTATIONS``.
        options: An instance of its ``Options``.

    Raises:
        UnknownNameError: If the augmentation is not known.
        InvalidValueError: If a value is out of its range.
    """
    build: Any = lookup(AUGMENTATIONS, name, "augmentation.name")
    augmentation: Augmentation = build(options)
    return augmentation


__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "AugmentationSettings",
    "CropFlip",
    "Identity",
    "ResizedCrop",
    "Strong",
    "build_augmentation",
]
