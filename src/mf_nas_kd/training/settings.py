"""Settings of the students' trainings: what determines the result beside architecture, fidelity and seed."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from mf_nas_kd.images import AugmentationSettings
from mf_nas_kd.training.distillation_configuration import DistillationConfigurations
from mf_nas_kd.training.hyper_parameters import TrainingHyperParameters


class TrainingParameters(BaseModel):
    """How students are trained: ``training`` of the configuration.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda``, ``mps``; the teacher trains there as well.
        hyper_parameters: Optimiser and schedule.
        target_cache_gib: Largest size of the files of cached teacher targets together, in GiB. For a loss whose file
            would go beyond, the teacher's forward pass is made in every step, with the same results. 0 caches nothing.
        gradient_norm_ratio: For configurations with the loss weight ``gradient_norm``: norm of the loss's gradient at
            the start, as a multiple of the cross-entropy's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    hyper_parameters: TrainingHyperParameters
    target_cache_gib: NonNegativeFloat
    gradient_norm_ratio: PositiveFloat


class TrainingSettings(TrainingParameters):
    """All settings of the students' trainings.

    Attributes:
        augmentation: Augmentation of the training images; the teacher's training has the same.
        distillation: Distillation configurations, by name.
    """

    augmentation: AugmentationSettings
    distillation: DistillationConfigurations

    @classmethod
    def of(
        cls,
        training: TrainingParameters,
        augmentation: AugmentationSettings,
        distillation: DistillationConfigurations,
    ) -> Self:
        """Put the separate parts of the configuration together."""
        parts = {name: getattr(training, name) for name in TrainingParameters.model_fields}
        return cls(**parts, augmentation=augmentation, distillation=distillation)
