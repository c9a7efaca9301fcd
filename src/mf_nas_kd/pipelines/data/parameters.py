"""Parameters of the pipeline ``data``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mf_nas_kd.images import SOURCES, DuplicatesAction, GroupOptions, OnUnreadable
from mf_nas_kd.records.fidelity import TrainFraction
from mf_nas_kd.registry import NameIn, Options, OptionsOf, lookup


class ImagesParameters(BaseModel):
    """Source of the images, and their split.

    Attributes:
        source: A name in ``images.SOURCES``.
        validation_fraction: Fraction of the training images, in (0, 1), that becomes the validation split where the
            source has none.
        test_fraction: Fraction of the training images, in (0, 1), that becomes the test split where the source has
            none.
        seed: Seed of the split.
        on_unreadable: Whether images that cannot be read end the run, or are left out with a warning.
        group: What tells which images belong together; no group is in two splits.
        duplicates: What is done with images that show the same picture: ``keep_on_one_side`` (no split tears them),
            ``report``, ``ignore`` (none are looked for), or ``auto``: ``keep_on_one_side``, but ``report`` for CIFAR.
        near_duplicates_limit: Most images among which re-encoded, cropped and mirrored copies are looked for; equal
            pixels always are.
        options: Options of each source, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, NameIn(SOURCES, "images.source")]
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    seed: int
    on_unreadable: OnUnreadable
    group: GroupOptions
    duplicates: DuplicatesAction
    near_duplicates_limit: Annotated[int, Field(ge=0)]
    options: Annotated[Mapping[str, Options], OptionsOf(SOURCES, "images.options")]

    @model_validator(mode="after")
    def _the_source_has_options(self) -> ImagesParameters:
        lookup(self.options, self.source, "images.source without images.options")
        return self


class SubsetsParameters(BaseModel):
    """Nested subsets of the training images.

    Attributes:
        fractions: Training-set fractions whose subsets are checked and listed before anything is trained.
        seed: Seed of the order within each class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    fractions: tuple[TrainFraction, ...]
    seed: int
