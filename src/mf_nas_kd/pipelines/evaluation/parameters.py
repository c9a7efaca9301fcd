"""Parameters of the pipeline ``evaluation``."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Fidelity, FidelityGrid, FidelitySettings


class CandidatesParameters(BaseModel):
    """Sample of architectures on which low fidelities are compared with the target fidelity.

    Attributes:
        count: Number of architectures; the intervals of the correlations shrink with its square root.
        seed: Seed of the sample.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: Annotated[int, Field(ge=4)]
    seed: int


class EvaluationParameters(BaseModel):
    """Fidelities at which every candidate is evaluated.

    Attributes:
        full: The target fidelity.
        low: The low fidelities.
        seed: Seed of weights, orders and augmentations.
        retry_failed: Whether evaluations that failed in an earlier run are made again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    full: FidelitySettings
    low: FidelityGrid
    seed: int
    retry_failed: bool

    @field_validator("full")
    @classmethod
    def _full_is_full(cls, full: FidelitySettings) -> FidelitySettings:
        if full.value != Fidelity(Fraction(1), full.epochs):
            allowed = "all images and distillation none, with nothing reduced"
            raise InvalidValueError("evaluation.full", str(full.value), allowed)
        return full
