"""Parameters of the pipeline ``final``."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import AugmentationSettings
from mf_nas_kd.records import Fidelity
from mf_nas_kd.studies.final_training import PLAIN
from mf_nas_kd.training import (
    DistillationConfigurations,
    TrainingHyperParameters,
    TrainingParameters,
    TrainingSettings,
)


class FinalParameters(BaseModel):
    """The final stage: which networks are trained to the end, and how.

    Attributes:
        finalists: Number of finalists of the search, and most cheaper equivalents.
        tolerance_points: How much lower than the best finalist's the expected accuracy of a cheaper equivalent may be,
            in percentage points.
        references: Whether networks that one would have taken without a search are trained for comparison.
        epochs: Passes over all training images.
        seeds: Number of trainings of each network.
        seed: Seed of the first of them; the others have the next ones.
        distillation: Whether each distillation configuration is tried, by its name, beside plain training.
        hyper_parameters: Hyper-parameters of the final trainings.
        augmentation: Augmentation of the final trainings; null for that of the study.
        budget_seconds: Limit of the costs of all final trainings, in seconds of training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    finalists: PositiveInt
    tolerance_points: NonNegativeFloat
    references: bool
    epochs: PositiveInt
    seeds: PositiveInt
    seed: int
    distillation: Mapping[str, bool | None]
    hyper_parameters: TrainingHyperParameters
    augmentation: AugmentationSettings | None
    budget_seconds: PositiveFloat

    @field_validator("distillation")
    @classmethod
    def _plain_is_always_trained(cls, distillation: Mapping[str, bool | None]) -> Mapping[str, bool | None]:
        if distillation.get(PLAIN) is False:
            allowed = "true or left out: plain trainings are compared with the teacher before anything is distilled"
            raise InvalidValueError(f"final.distillation.{PLAIN}", False, allowed)
        return distillation

    @property
    def ways(self) -> tuple[str, ...]:
        """Names of the distillation configurations that are tried beside plain training."""
        return tuple(name for name, tried in self.distillation.items() if tried and name != PLAIN)

    @property
    def fidelities(self) -> tuple[Fidelity, ...]:
        """Fidelities of the final trainings: plain, and each distillation configuration."""
        return tuple(Fidelity(Fraction(1), self.epochs, distillation=way) for way in (PLAIN, *self.ways))

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """Seeds of the trainings of each network."""
        return tuple(range(self.seed, self.seed + self.seeds))

    def settings(
        self,
        training: TrainingParameters,
        augmentation: AugmentationSettings,
        distillation: DistillationConfigurations,
    ) -> TrainingSettings:
        """Settings of the final trainings: those of the study's, with the stage's own hyper-parameters."""
        final = training.model_copy(update={"hyper_parameters": self.hyper_parameters})
        return TrainingSettings.of(final, self.augmentation or augmentation, distillation)
