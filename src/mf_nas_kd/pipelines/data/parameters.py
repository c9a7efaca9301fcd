"""Parameters of the pipeline ``data``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mf_nas_kd.images import SOURCES
from mf_nas_kd.records.fidelity import TrainFraction
from mf_nas_kd.registry import lookup


class ImagesParameters(BaseModel):
    """Which images, and how they are split.

    Attributes:
        source: A name in ``images.SOURCES``.
        validation_fraction: Share of the training images that decides, in (0, 1), where the source has none for it.
        test_fraction: Share of the training images that is only reported, in (0, 1), likewise.
        seed: Of the split.
        options: Options of each source, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    seed: int
    options: dict[str, dict[str, Any]]

    @model_validator(mode="after")
    def _sources_and_options_are_known(self) -> ImagesParameters:
        lookup(SOURCES, self.source, "images.source")
        lookup(self.options, self.source, "images.source without images.options")
        for name, options in self.options.items():
            model, _ = lookup(SOURCES, name, "images.options")
            model.model_validate(options)
        return self


class SubsetsParameters(BaseModel):
    """The nested subsets.

    Attributes:
        fractions: Shares of the training images that are checked and listed before anything is trained.
        seed: Of the order within each class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    fractions: tuple[TrainFraction, ...]
    seed: int
