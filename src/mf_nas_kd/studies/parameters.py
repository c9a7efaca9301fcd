"""Parameters of a study, which its stages share."""

from __future__ import annotations

from fractions import Fraction

from pydantic import BaseModel, ConfigDict, field_validator

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Fidelity, FidelityGrid, FidelitySettings


class EvaluationParameters(BaseModel):
    """Fidelities at which every candidate is evaluated.

    Attributes:
        full: The target fidelity.
        low: The low fidelities.
        seed: Seed of weights, orders and augmentations.
        retry_failed: Whether evaluations that failed in an earlier run are made again, those of the search as well.
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
