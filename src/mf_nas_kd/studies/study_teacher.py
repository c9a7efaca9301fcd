"""The teacher of a study within one process: its network, the losses that use it, and the cache of its targets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mf_nas_kd.distillation import DistillationLoss, build_loss
from mf_nas_kd.errors import MissingTeacherError
from mf_nas_kd.networks import TrainedNetwork, rebuild
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.studies.training_context import TrainingContext
from mf_nas_kd.taps import Taps, TapShapes
from mf_nas_kd.teacher import TargetCache, TargetSpec
from mf_nas_kd.teacher.online import PRECISION
from mf_nas_kd.teacher.specification import TARGETS_VERSION
from mf_nas_kd.teacher.target_file import TargetFile

PER_PROCESS = frozenset({"network", "cache", "_taps", "_files"})
"""Attributes that were made for the device of one process."""


class StudyTeacher:
    """The teacher of a study within one process. It can be pickled; what was made for one device stays in its process.

    Args:
        context: What all trainings of the study share.
        folder: Folder of the cached targets; None to make the teacher's forward pass in every step.
    """

    def __init__(self, context: TrainingContext, folder: Path | None) -> None:
        self._context = context
        self._folder = folder

    @property
    def trained(self) -> TrainedNetwork:
        """Weights and description of the teacher.

        Raises:
            MissingTeacherError: If the study has none.
        """
        if self._context.teacher is None:
            raise MissingTeacherError("this study has no teacher: run the teacher pipeline first")
        return self._context.teacher

    @cached_property
    def network(self) -> nn.Module:
        """The teacher's network on the device, in evaluation mode."""
        network: nn.Module = rebuild(self.trained).to(memory_format=torch.channels_last)
        return network.to(self._context.device)

    @cached_property
    def cache(self) -> TargetCache | None:
        """The cache of the teacher's targets; None without a teacher, a folder or any space."""
        limit_gib = self._context.settings.target_cache_gib
        if self._context.teacher is None or self._folder is None or limit_gib == 0:
            return None
        # The words are those of the first version: files of targets are found under a hash of them.
        belongs_to = {
            "version": TARGETS_VERSION,
            "teacher": self.trained.fingerprint,
            "dataset": self._context.images.fingerprint,
            "views": self._context.augmentation.cache_key,
            "computed_in": self._context.precision,
            "kept_in": str(PRECISION),
        }
        return TargetCache(self._folder, limit_gib, belongs_to)

    def loss(self, spec: TargetSpec, num_images: int) -> DistillationLoss:
        """Build the loss of a specification, with adapters from torch's global generator.

        Args:
            spec: Names the distillation configuration.
            num_images: Number of images in the subset that is trained on.

        Raises:
            InvalidValueError: If the loss refuses its options or the teacher.
        """
        configuration = self._context.settings.distillation[spec.distillation]
        return build_loss(
            configuration.loss,
            student=spec.student,
            teacher=TapShapes.of(self._taps),
            num_images=num_images,
            **configuration.options.model_dump(),
        )

    def file_of(self, spec: TargetSpec, cache: TargetCache) -> TargetFile:
        """The file of the targets of a specification.

        Raises:
            InvalidValueError: If the loss refuses its options or the teacher.
        """
        if spec not in self._files:
            with torch_seeded(0, "target file"):
                loss = self.loss(spec, num_images=2)  # the shape of the targets does not depend on the number
            shape = tuple(loss.teacher_targets(self._taps).shape[1:])
            self._files[spec] = cache.file(loss.target_key, shape)
        return self._files[spec]

    @cached_property
    def _taps(self) -> Taps:
        """The teacher's taps of an empty batch."""
        taps: Taps = forward_empty_batch(self.network, self._context.images.image_shape)
        return taps

    @cached_property
    def _files(self) -> dict[TargetSpec, TargetFile]:
        return {}

    def __getstate__(self) -> Mapping[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in PER_PROCESS}
