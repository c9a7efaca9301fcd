"""Parameters of the pipeline ``data``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mf_nas_kd.images import SOURCES, OnUnreadable
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
        options: Options of each source, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, NameIn(SOURCES, "images.source")]
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    seed: int
    on_unreadable: OnUnreadable
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
