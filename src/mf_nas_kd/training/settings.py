"""How students are trained: what determines the result beside architecture, fidelity and seed, and what is used up."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, field_validator

from mf_nas_kd.errors import UnknownNameError
from mf_nas_kd.images import ViewSettings
from mf_nas_kd.training.recipes import DistillationRecipe, TrainingRecipe


class TrainingSettings(BaseModel):
    """How students are trained.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda``, ``mps``; the teacher trains there as well.
        recipe: Optimiser and schedule.
        views: Which views of an image a training draws from; the teacher's training as well.
        teacher_memory_gib: What the teacher says of pairs of image and view is remembered for all trainings, in files
            of so many GiB at most together. A loss whose file would go beyond has it asked in every step, with the
            same results. 0 remembers nothing.
        balanced_ratio: For recipes with a ``balanced`` weight: how long the gradient of the loss is at the start, in
            lengths of the cross-entropy's.
        distillation: Recipes by the name that a fidelity's ``distillation`` refers to; ``none`` is among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    recipe: TrainingRecipe
    views: ViewSettings
    teacher_memory_gib: NonNegativeFloat
    balanced_ratio: PositiveFloat
    distillation: dict[str, DistillationRecipe]

    @field_validator("distillation")
    @classmethod
    def _plain_training_is_there(cls, recipes: dict[str, DistillationRecipe]) -> dict[str, DistillationRecipe]:
        if "none" not in recipes or recipes["none"].imitates:
            raise UnknownNameError("plain recipe of training.distillation", "none", ["none, with the loss none"])
        return recipes
