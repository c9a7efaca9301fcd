"""Parameters of the pipeline ``teacher``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt, field_validator

from mf_nas_kd.networks import TEACHERS
from mf_nas_kd.registry import lookup
from mf_nas_kd.training import TrainingRecipe


class TeacherParameters(BaseModel):
    """Whom the students imitate.

    Attributes:
        builder: A name in ``networks.TEACHERS``.
        fields: What the builder is called with.
        epochs: Passes over the training images.
        seed: Of weights, orders and views.
        recipe: Optimiser and schedule.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    builder: str
    fields: dict[str, Any]
    epochs: PositiveInt
    seed: int
    recipe: TrainingRecipe

    @field_validator("builder")
    @classmethod
    def _builder_is_known(cls, builder: str) -> str:
        lookup(TEACHERS, builder, "teacher.builder")
        return builder
