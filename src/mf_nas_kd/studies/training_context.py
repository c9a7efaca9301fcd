"""What all trainings of a study share: images, subsets, views, and the device they are trained on."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from mf_nas_kd.images import ImageDataset, LabelledImages, ResidentImages, SubsetOrder, Views
from mf_nas_kd.networks import build_network
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.training import TrainingSettings, choose_device


class TrainingContext:
    """Can be pickled; what was made for one device stays in its process.

    Args:
        images: Training, validation and test images.
        order: Nested subsets of the training images.
        settings: How to train.
    """

    def __init__(self, images: ImageDataset, order: SubsetOrder, settings: TrainingSettings) -> None:
        self.images = images
        self.settings = settings
        self._order = order
        self._subsets: dict[Fraction, Tensor] = {}

    @cached_property
    def device(self) -> torch.device:
        """Of this process."""
        return choose_device(self.settings.device)

    @cached_property
    def views(self) -> Views:
        """What may be seen of an image in a training."""
        return Views.of(self.settings.views)

    def subset(self, fraction: Fraction) -> Tensor:
        """Positions among the training images, ascending, ``(n,)`` of int64.

        Raises:
            InvalidValueError: If the fraction is not in (0, 1] or leaves fewer images than there are classes.
        """
        if fraction not in self._subsets:
            self._subsets[fraction] = self._order.positions(fraction)
        return self._subsets[fraction]

    def subset_name(self, fraction: Fraction) -> str:
        """Equal names, equal subsets."""
        return self._order.fingerprint if fraction < 1 else "all"

    def build(self, architecture: Architecture, width: float) -> nn.Module:
        """A network for these images, with random weights, on the CPU."""
        return build_network(architecture, self.images.classes, self.images.image_shape[0], width)

    def resident(self, images: LabelledImages, views: Views) -> ResidentImages:
        """Images on the device."""
        return ResidentImages(images, views, self.images.pixel_statistics, self.device)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "device"} | {"_subsets": {}}
