"""Parameters of the pipeline ``teacher``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, model_validator

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks import TEACHERS
from mf_nas_kd.registry import lookup
from mf_nas_kd.training import TrainingHyperParameters


class TeacherParameters(BaseModel):
    """Whom the students imitate.

    Attributes:
        builder: A name in ``networks.TEACHERS``.
        options: What each builder is called with, by its name.
        weights: A file of weights to begin with (``.safetensors``, or ``.pt`` with tensors); null for fresh ones.
        epochs: Passes over the training images; 0 leaves the weights of a file as they are.
        seed: Of weights, orders and views.
        hyper_parameters: Optimiser and schedule.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    builder: str
    options: dict[str, dict[str, Any]]
    weights: Path | None
    epochs: NonNegativeInt
    seed: int
    hyper_parameters: TrainingHyperParameters

    @model_validator(mode="after")
    def _builders_are_known(self) -> TeacherParameters:
        for name in (self.builder, *self.options):
            lookup(TEACHERS, name, "teacher.builder")
        lookup(self.options, self.builder, "teacher.builder without teacher.options")
        if self.epochs == 0 and self.weights is None:
            raise InvalidValueError("teacher.epochs", self.epochs, "at least 1, or teacher.weights a file")
        return self
