"""Training a teacher: the same engine, plain cross-entropy, all images; or taking its weights from a file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from tqdm import tqdm

from mf_nas_kd.device import choose_device, reproducible
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import ImageDataset, ResidentImages, Views
from mf_nas_kd.networks import NetworkDescription, TrainedNetwork, build_teacher, network_cost, teacher_fields
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.weights import load_weights
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.registry import Options
from mf_nas_kd.training.accuracy import measure_accuracy
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
        epoch_losses: Mean loss of each epoch; none where the weights of a file were left as they are.
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
    options: Options | Mapping[str, Any],
    recipe: TrainingRecipe,
    epochs: int,
    seed: int,
    settings: TrainingSettings,
    weights: Path | None = None,
) -> TaughtTeacher:
    """Train a teacher on all training images.

    Args:
        images: Training, validation and test images.
        builder: A name in ``networks.TEACHERS``.
        options: An instance of the builder's ``Options``, or its fields.
        recipe: Of the teacher, not of the students.
        epochs: Passes over the training images; none leaves the weights of a file as they are.
        seed: Of weights, orders and views.
        settings: Of the students: device and views are shared with them.
        weights: A file of weights to begin with; None for fresh ones.

    Raises:
        UnknownNameError: If the builder is not known.
        pydantic.ValidationError: If an option is missing, unknown, or not allowed.
        InvalidValueError: If the network does not take the images; or if there is neither a file of weights nor an
            epoch.
        MissingWeightsError: If there are no weights in the file.
        ShapeMismatchError: If a layer of the file does not fit.
        TrainingFailedError: If the loss becomes non-finite.
    """
    if epochs == 0 and weights is None:
        raise InvalidValueError("teacher.epochs", epochs, "at least 1, or teacher.weights a file")
    device, statistics = choose_device(settings.device), images.pixel_statistics
    description = NetworkDescription(
        builder, teacher_fields(builder, options), images.classes, images.image_shape, *statistics, images.fingerprint
    )
    with reproducible():
        network = _initial_network(images, builder, options, seed, weights).to(device)
        validation = ResidentImages(images.validation, Views.centre(), statistics, device)
        test = ResidentImages(images.test, Views.centre(), statistics, device)
        val_accuracies: list[float] = []

        def measure(epoch: int, loss: float) -> None:
            val_accuracies.append(measure_accuracy(network, validation))
            logger.info("Teacher, epoch %d of %d: loss %.4f, validation %.4f", epoch, epochs, loss, val_accuracies[-1])

        epoch_losses: tuple[float, ...] = ()
        if epochs > 0:
            train = ResidentImages(images.train, Views.of(settings.views), statistics, device)
            objective = Objective(recipe.label_smoothing)
            with progress_bar("teacher", total=1.0, delay_seconds=5.0) as bar:
                show = partial(_show, bar)
                epoch_losses = fit(network, train, objective, recipe, epochs, seed, measure, show).epoch_losses
            val_accuracies.pop()  # the normalisation was recalibrated after it
        val_accuracies.append(measure_accuracy(network, validation))
        cost = network_cost(network, images.image_shape)
        return TaughtTeacher(
            network=TrainedNetwork.of(description, network),
            epoch_losses=epoch_losses,
            val_accuracies=tuple(val_accuracies),
            test_accuracy=measure_accuracy(network, test),
            macs=cost.macs,
            params=cost.params,
        )


def _initial_network(
    images: ImageDataset, builder: str, options: Options | Mapping[str, Any], seed: int, weights: Path | None
) -> nn.Module:
    with torch_seeded(seed, "teacher"):
        network = build_teacher(builder, options, images.classes, images.image_shape)
    if weights is not None:
        trained_on = load_weights(network, weights.expanduser(), images.image_shape)
        if trained_on != images.fingerprint:
            logger.warning(
                "Teacher from %s: trained on other images or splits, as far as is known; it may have seen what is "
                "validation or test here",
                weights,
            )
    return network


def _show(bar: tqdm, progress: float) -> None:
    bar.update(progress - bar.n)
