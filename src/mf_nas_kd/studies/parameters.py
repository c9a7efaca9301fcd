"""Parameters of a study, which its stages share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationInfo, field_validator

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Fidelity, FidelityGrid, FidelitySettings


class EvaluationParameters(BaseModel):
    """Fidelities at which every candidate is evaluated.

    Attributes:
        full: The target fidelity: all images, full width and the images' own size; it may distil.
        low: A grid of low fidelities; the target fidelity does not count as one of them.
        pauses: Epochs, fewer than those of the target fidelity, at which its trainings are evaluated on the way, by
            names of your own; null leaves one out. They are low fidelities that differ from the target in their epochs
            only. With the schedule ``constant_then_decay`` the training is continued from there.
        seed: Seed of weights, orders and augmentations; the first one of the target fidelity.
        seeds: Number of seeds of the target fidelity, at least 1: ``seed``, ``seed + 1`` and so on. With two or more,
            the agreement between them is known, and with it what any low fidelity can reach.
        checkpoints: How often the validation accuracy of a training is measured for its learning curve at most; None
            for every epoch. It is measured less often where that would cost more than a tenth of the training.
        retry_failed: Whether evaluations that failed in an earlier run are made again, those of the search as well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    full: FidelitySettings
    low: FidelityGrid
    pauses: Mapping[str, PositiveInt | None]
    seed: int
    seeds: PositiveInt
    checkpoints: PositiveInt | None
    retry_failed: bool

    @field_validator("full")
    @classmethod
    def _full_is_full(cls, full: FidelitySettings) -> FidelitySettings:
        if full.value != Fidelity(Fraction(1), full.epochs, distillation=full.distillation):
            allowed = "all images, with nothing reduced"
            raise InvalidValueError("evaluation.full", str(full.value), allowed)
        return full

    @field_validator("pauses")
    @classmethod
    def _pauses_are_before_the_end(
        cls, pauses: Mapping[str, int | None], others: ValidationInfo
    ) -> Mapping[str, int | None]:
        full = others.data.get("full")
        for name, epochs in pauses.items():
            if full is not None and epochs is not None and epochs >= full.epochs:
                allowed = f"less than {full.epochs}, the epochs of evaluation.full"
                raise InvalidValueError(f"evaluation.pauses.{name}", epochs, allowed)
        return pauses

    @property
    def low_fidelities(self) -> tuple[Fidelity, ...]:
        """The low fidelities: those of the grid, then the pauses of the target fidelity, each once."""
        epochs = sorted(each for each in self.pauses.values() if each is not None)
        paused = (replace(self.full.value, epochs=each) for each in epochs)
        return tuple(dict.fromkeys((*self.low.values, *paused)))
