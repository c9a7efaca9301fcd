"""Settings of the students' trainings: what determines the result beside architecture, fidelity and seed."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import NonNegativeFloat, PositiveFloat

from mf_nas_kd.device import Switch
from mf_nas_kd.images import AugmentationSettings
from mf_nas_kd.training.distillation_configuration import DistillationConfigurations
from mf_nas_kd.training.hyper_parameters import TrainingHyperParameters
from mf_nas_kd.training.speed_ups import SpeedUps


class TrainingParameters(SpeedUps):
    """How students are trained: ``training`` of the configuration.

    Attributes:
        device: ``auto`` (cuda where it is available, else cpu), ``cpu``, ``cuda``, ``mps``; the teacher trains there as
            well.
        hyper_parameters: Optimiser and schedule.
        clock: What a training costs: ``wall``, its time; or ``cpu``, the processor time of its worker, which other
            work on the machine does not lengthen. The latter is for CPUs only.
        target_cache_gib: Largest size of the files of cached teacher targets together, in GiB. For a loss whose file
            would go beyond, the teacher's forward pass is made in every step, with the same results. 0 caches nothing.
        paused_trainings_gib: Largest size of the files of paused trainings together, in GiB, see
            ``TrainingHyperParameters.schedule``. Beyond it, the least recently used are removed, and what they held is
            trained again where it is needed. 0 keeps none.
        gradient_norm_ratio: For configurations with the loss weight ``gradient_norm``: norm of the loss's gradient at
            the start, as a multiple of the cross-entropy's.
    """

    device: str
    hyper_parameters: TrainingHyperParameters
    clock: Literal["wall", "cpu"]
    target_cache_gib: NonNegativeFloat
    paused_trainings_gib: NonNegativeFloat
    gradient_norm_ratio: PositiveFloat

    @property
    def paused_bytes(self) -> float:
        """Largest size of the files of paused trainings together, in bytes."""
        return self.paused_trainings_gib * 2**30


class TrainingSettings(TrainingParameters):
    """All settings of the students' trainings. The speed-ups, which do not change the science, may be left out.

    Attributes:
        augmentation: Augmentation of the training images; the teacher's training has the same.
        distillation: Distillation configurations, by name.
    """

    capture_steps: Switch = "auto"
    fused_optimiser: Switch = "auto"
    mixed_precision: Switch = "auto"
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
