"""Training a teacher: the same engine, plain cross-entropy, all images."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import ImageDataset, ResidentImages, Views
from mf_nas_kd.networks import TEACHERS, NetworkDescription, TrainedNetwork, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.registry import lookup
from mf_nas_kd.training.accuracy import measure_accuracy
from mf_nas_kd.training.device import choose_device, reproducible
from mf_nas_kd.training.engine import fit
from mf_nas_kd.training.objective import Objective
from mf_nas_kd.training.recipes import TrainingRecipe
from mf_nas_kd.training.settings import TrainingSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaughtTeacher:
    """A teacher and how it came about.

    Attributes:
        network: Weights and description.
        epoch_losses: Mean loss of each epoch.
        val_accuracies: Validation accuracy after each epoch; the last one is that of the network.
        test_accuracy: Of the network.
        macs: Multiply-accumulates of one image.
        params: Learned numbers.
    """

    network: TrainedNetwork
    epoch_losses: tuple[float, ...]
    val_accuracies: tuple[float, ...]
    test_accuracy: float
    macs: int
    params: int


def train_teacher(
    images: ImageDataset,
    builder: str,
    fields: Mapping[str, Any],
    recipe: TrainingRecipe,
    epochs: int,
    seed: int,
    settings: TrainingSettings,
) -> TaughtTeacher:
    """Train a teacher on all training images.

    Args:
        images: Training, validation and test images.
        builder: A name in ``networks.TEACHERS``.
        fields: What the builder is called with.
        recipe: Of the teacher, not of the students.
        epochs: Passes over the training images.
        seed: Of weights, orders and views.
        settings: Of the students: device and views are shared with them.

    Raises:
        UnknownNameError: If the builder is not known.
        InvalidValueError: If the builder does not take the fields.
        TrainingFailedError: If the loss becomes non-finite.
    """
    device, statistics = choose_device(settings.device), images.pixel_statistics
    description = NetworkDescription(
        builder, dict(fields), images.classes, images.image_shape, *statistics, images.fingerprint
    )
    build = lookup(TEACHERS, builder, "teacher.builder")
    with reproducible():
        with torch_seeded(seed, "teacher"):
            try:
                network = build(**fields, classes=images.classes, image_channels=images.image_shape[0]).to(device)
            except TypeError as failure:
                raise InvalidValueError(
                    "teacher.fields", dict(fields), f"what {builder!r} takes: {failure}"
                ) from failure
        train = ResidentImages(images.train, Views.of(settings.views), statistics, device)
        validation = ResidentImages(images.validation, Views.centre(), statistics, device)
        test = ResidentImages(images.test, Views.centre(), statistics, device)
        val_accuracies: list[float] = []

        def measure(epoch: int, loss: float) -> None:
            val_accuracies.append(measure_accuracy(network, validation))
            logger.info("Teacher, epoch %d of %d: loss %.4f, validation %.4f", epoch, epochs, loss, val_accuracies[-1])

        result = fit(network, train, Objective(recipe.label_smoothing), recipe, epochs, seed, measure)
        val_accuracies[-1] = measure_accuracy(network, validation)  # the normalisation was recalibrated after the last
        cost = network_cost(network, images.image_shape)
        return TaughtTeacher(
            network=TrainedNetwork.of(description, network),
            epoch_losses=result.epoch_losses,
            val_accuracies=tuple(val_accuracies),
            test_accuracy=measure_accuracy(network, test),
            macs=cost.macs,
            params=cost.params,
        )
