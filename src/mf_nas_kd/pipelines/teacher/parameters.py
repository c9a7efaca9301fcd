"""Parameters of the pipeline ``teacher``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, NonNegativeInt, model_validator

from mf_nas_kd.networks import TEACHERS, teacher_fields
from mf_nas_kd.registry import NameIn, Options, OptionsOf, lookup
from mf_nas_kd.training import TrainingHyperParameters
from mf_nas_kd.training.teacher_training import require_initial_weights


class TeacherParameters(BaseModel):
    """Network, weights and training of the teacher.

    Attributes:
        builder: A name in ``networks.TEACHERS``.
        options: Options of each builder, by its name.
        weights: File of initial weights (``.safetensors``, or ``.pt`` with tensors); null for random ones, or for
            those that the options have downloaded.
        epochs: Passes over the training images; 0 to use given weights without training.
        seed: Seed of weights, orders and augmentations.
        hyper_parameters: Optimiser and schedule.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    builder: Annotated[str, NameIn(TEACHERS, "teacher.builder")]
    options: Annotated[Mapping[str, Options], OptionsOf(TEACHERS, "teacher.options")]
    weights: Path | None
    epochs: NonNegativeInt
    seed: int
    hyper_parameters: TrainingHyperParameters

    @model_validator(mode="after")
    def _it_can_be_built(self) -> TeacherParameters:
        lookup(self.options, self.builder, "teacher.builder without teacher.options")
        fields = teacher_fields(self.builder, self.options[self.builder])
        require_initial_weights(self.epochs, self.weights, fields)
        return self
