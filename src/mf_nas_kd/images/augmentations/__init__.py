"""Augmentations: finite tables of rows, applied to batches on the device.

One augmentation a file, one line an augmentation in the table below. Letters of shapes: ``R`` rows of a table, ``B``
images of a batch, ``C`` channels, ``H`` and ``W`` height and width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializeAsAny, field_validator, model_validator

from mf_nas_kd.images.augmentations.augmentation import Augmentation, AugmentationOptions
from mf_nas_kd.images.augmentations.crop_flip import CropFlip
from mf_nas_kd.images.augmentations.identity import Identity
from mf_nas_kd.registry import lookup

AUGMENTATIONS: Mapping[str, type[Augmentation]] = {
    "crop_flip": CropFlip,
    "identity": Identity,
}


class AugmentationSettings(BaseModel):
    """Augmentation of the training images; the teacher's training has the same.

    Attributes:
        name: A name in ``AUGMENTATIONS``.
        options: Options of each augmentation, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    options: dict[str, SerializeAsAny[AugmentationOptions]]

    @field_validator("options", mode="before")
    @classmethod
    def _options_are_those_of_their_augmentation(cls, options: Mapping[str, Any]) -> dict[str, AugmentationOptions]:
        return {
            name: lookup(AUGMENTATIONS, name, "augmentation.options").Options.model_validate(given)
            for name, given in options.items()
        }

    @model_validator(mode="after")
    def _can_be_built(self) -> AugmentationSettings:
        lookup(AUGMENTATIONS, self.name, "augmentation.name")
        lookup(self.options, self.name, "augmentation.name without augmentation.options")
        self.build()
        return self

    def build(self) -> Augmentation:
        """Build the augmentation.

        Raises:
            InvalidValueError: If a value is out of its range.
        """
        return build_augmentation(self.name, self.options[self.name])


def build_augmentation(name: str, options: AugmentationOptions) -> Augmentation:
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
    "AugmentationOptions",
    "AugmentationSettings",
    "CropFlip",
    "Identity",
    "build_augmentation",
]
