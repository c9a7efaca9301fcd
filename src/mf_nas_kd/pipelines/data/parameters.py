"""Parameters of the pipeline ``data``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mf_nas_kd.images import SOURCES
from mf_nas_kd.records.fidelity import TrainFraction
from mf_nas_kd.registry import NameIn, Options, OptionsOf, lookup


class ImagesParameters(BaseModel):
    """Which images, and how they are split.

    Attributes:
        source: A name in ``images.SOURCES``.
        validation_fraction: Share of the training images that decides, in (0, 1), where the source has none for it.
        test_fraction: Share of the training images that is only reported, in (0, 1), likewise.
        seed: Seed of the split.
        options: Options of each source, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, NameIn(SOURCES, "images.source")]
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    seed: int
    options: Annotated[Mapping[str, Options], OptionsOf(SOURCES, "images.options")]

    @model_validator(mode="after")
    def _the_source_has_options(self) -> ImagesParameters:
        lookup(self.options, self.source, "images.source without images.options")
        return self


class SubsetsParameters(BaseModel):
    """The nested subsets.

    Attributes:
        fractions: Shares of the training images that are checked and listed before anything is trained.
        seed: Seed of the order within each class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    fractions: tuple[TrainFraction, ...]
    seed: int
