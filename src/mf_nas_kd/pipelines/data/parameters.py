"""Parameters of the pipeline ``data``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mf_nas_kd.evaluation.fidelity import TrainFraction
from mf_nas_kd.images import SOURCES
from mf_nas_kd.registry import lookup


class ImagesParameters(BaseModel):
    """Which images, and how they are split.

    Attributes:
        source: A name in ``images.SOURCES``.
        validation_fraction: Share that decides, in (0, 1).
        test_fraction: Share that is only reported, in (0, 1).
        seed: Of the split.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    seed: int

    @field_validator("source")
    @classmethod
    def _source_is_known(cls, source: str) -> str:
        lookup(SOURCES, source, "images.source")
        return source


class SubsetsParameters(BaseModel):
    """The nested subsets.

    Attributes:
        fractions: Shares of the training images that are checked and listed before anything is trained.
        seed: Of the order within each class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    fractions: tuple[TrainFraction, ...]
    seed: int
