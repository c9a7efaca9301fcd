"""Parameters of a study, which its stages share."""

from __future__ import annotations

from fractions import Fraction

from pydantic import BaseModel, ConfigDict, PositiveInt, field_validator

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Fidelity, FidelityGrid, FidelitySettings


class EvaluationParameters(BaseModel):
    """Fidelities at which every candidate is evaluated.

    Attributes:
        full: The target fidelity: all images, full width and the images' own size; it may distil.
        low: The low fidelities; the target fidelity does not count as one of them.
        seed: Seed of weights, orders and augmentations; the first one of the target fidelity.
        seeds: Number of seeds of the target fidelity, at least 1: ``seed``, ``seed + 1`` and so on. With two or more,
            the agreement between them is known, and with it what any low fidelity can reach.
        retry_failed: Whether evaluations that failed in an earlier run are made again, those of the search as well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    full: FidelitySettings
    low: FidelityGrid
    seed: int
    seeds: PositiveInt
    retry_failed: bool

    @field_validator("full")
    @classmethod
    def _full_is_full(cls, full: FidelitySettings) -> FidelitySettings:
        if full.value != Fidelity(Fraction(1), full.epochs, distillation=full.distillation):
            allowed = "all images, with nothing reduced"
            raise InvalidValueError("evaluation.full", str(full.value), allowed)
        return full
