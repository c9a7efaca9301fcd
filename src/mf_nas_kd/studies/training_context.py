"""What all trainings of a study share: images, subsets, settings, teacher, and the device they are trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from mf_nas_kd.device import autocast_dtype, choose_device, mixed_precision
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import Augmentation, Identity, ImageDataset, LabelledImages, ResidentImages, SubsetOrder
from mf_nas_kd.networks import CostCounter, TrainedNetwork, build_network
from mf_nas_kd.networks.provenance import require_own_or_unknown
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.training import TrainingHyperParameters, TrainingSettings
from mf_nas_kd.training.class_weights import class_weights

PER_PROCESS = frozenset({"device", "cost_of", "_measured", "_measured_parts"})
"""Attributes that were made for the device of one process, or that another process makes itself when it needs them."""


@dataclass(frozen=True, eq=False)
class Subset:
    """A subset of the training images. Equal names are equal subsets; there is one object a study and fraction.

    Attributes:
        name: Name for the keys of evaluations.
        positions: ``(n,)``, int64, positions among the training images, ascending.
    """

    name: str
    positions: Tensor

    def __len__(self) -> int:
        return len(self.positions)


class TrainingContext:
    """What all trainings of a study share. It can be pickled; what was made for one device stays in its process.

    Args:
        images: Training, validation and test images.
        order: Nested subsets of the training images.
        settings: Settings of the trainings.
        teacher: The teacher; None if no fidelity distils.

    Attributes:
        augmentation: Augmentation of the training images.

    Raises:
        InvalidValueError: If the teacher was trained for other classes, another size of images, or only on other
            images.
    """

    def __init__(
        self, images: ImageDataset, order: SubsetOrder, settings: TrainingSettings, teacher: TrainedNetwork | None
    ) -> None:
        if teacher is not None:
            _require_same_problem(teacher, images)
        self.images = images
        self.settings = settings
        self.teacher = teacher
        self.augmentation = settings.augmentation.build()
        self._order = order
        self._subsets: dict[Fraction, Subset] = {}

    @cached_property
    def device(self) -> torch.device:
        """Device of this process."""
        return choose_device(self.settings.device)

    @property
    def precision(self) -> str:
        """Precision in which networks are computed on this device, such as ``torch.float32``."""
        with mixed_precision(self.settings.mixed_precision):
            return str(autocast_dtype(self.device))

    @cached_property
    def cost_of(self) -> CostCounter:
        """Counter of multiply-accumulates and parameters on these images, which counts each architecture once."""
        return CostCounter(self.images.classes, self.images.image_shape)

    def subset(self, fraction: Fraction) -> Subset:
        """The subset of a fraction.

        Raises:
            InvalidValueError: If the fraction is not in (0, 1] or leaves fewer images than there are classes.
        """
        if fraction not in self._subsets:
            name = self._order.fingerprint if fraction < 1 else "all"  # of all images, the order does not matter
            self._subsets[fraction] = Subset(name, self._order.positions(fraction))
        return self._subsets[fraction]

    def class_weights(self, hyper_parameters: TrainingHyperParameters, subset: Subset) -> Tensor | None:
        """Weights of the classes in the cross-entropy, from the images of a subset; see :func:`class_weights`."""
        labels = self.images.train.labels[subset.positions]
        return class_weights(hyper_parameters.class_weights, labels, self.images.classes)

    def build(self, architecture: Architecture, width: float) -> nn.Module:
        """Build a network for these images, with random weights, on the CPU."""
        return build_network(architecture, self.images.classes, self.images.image_shape[0], width)

    def resident(
        self, images: LabelledImages, augmentation: Augmentation, image_size: tuple[int, int] | None = None
    ) -> ResidentImages:
        """Bring images to the device; ``image_size`` is the students', None for the images' own."""
        return ResidentImages(images, augmentation, self.images.pixel_statistics, self.device, image_size)

    def measured(self, image_size: tuple[int, int]) -> tuple[ResidentImages, ResidentImages]:
        """Validation and test images on the device, not augmented, as students see them at a size."""
        if image_size not in self._measured:
            parts = (self.images.validation, self.images.test)
            validation, test = (self.resident(part, Identity(), image_size) for part in parts)
            self._measured[image_size] = validation, test
        return self._measured[image_size]

    def measured_part(self, image_size: tuple[int, int], every: int) -> ResidentImages:
        """The first of every so many validation images, as :meth:`measured`; all of them for 1."""
        if every == 1:
            return self.measured(image_size)[0]
        if (image_size, every) not in self._measured_parts:
            part = self.images.validation[torch.arange(0, len(self.images.validation), every)]
            self._measured_parts[image_size, every] = self.resident(part, Identity(), image_size)
        return self._measured_parts[image_size, every]

    @cached_property
    def _measured_parts(self) -> dict[tuple[tuple[int, int], int], ResidentImages]:
        return {}

    @cached_property
    def _measured(self) -> dict[tuple[int, int], tuple[ResidentImages, ResidentImages]]:
        return {}

    def __getstate__(self) -> Mapping[str, Any]:
        kept = {name: value for name, value in self.__dict__.items() if name not in PER_PROCESS}
        return kept | {"_subsets": {}}


def _require_same_problem(teacher: TrainedNetwork, images: ImageDataset) -> None:
    trained_for = (teacher.description.classes, teacher.description.image_shape)
    wanted = (images.classes, images.image_shape)
    if trained_for != wanted:
        allowed = f"{wanted}, those of {images.name!r}: train a teacher on these images"
        raise InvalidValueError("the teacher's (classes, image shape)", trained_for, allowed)
    require_own_or_unknown(teacher.description.trained_on, images.fingerprint)
