"""Training of a teacher: the same engine, plain cross-entropy, all images; or weights from a file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from tqdm import tqdm

from mf_nas_kd.device import choose_device, mixed_precision, reproducible
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import AugmentationSettings, Identity, ImageDataset, ResidentImages
from mf_nas_kd.networks import NetworkDescription, TrainedNetwork, build_teacher, network_cost, teacher_fields
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.weights import load_weights
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.registry import Options
from mf_nas_kd.training.accuracy import measure_accuracy
from mf_nas_kd.training.engine import FitResult, fit
from mf_nas_kd.training.hyper_parameters import TrainingHyperParameters
from mf_nas_kd.training.objective import Objective
from mf_nas_kd.training.speed_ups import ALL, SpeedUps

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TeacherTraining:
    """A teacher and the measurements of its training.

    Attributes:
        network: Weights and description of the teacher.
        epoch_losses: Mean loss of each epoch; empty where the weights of a file were left as they are.
        val_accuracies: Validation accuracy after each epoch, in [0, 1]; the last one is that of the network. Where
            weights are averaged, this is the averaged one, and the earlier accuracies are those of the trained weights.
        test_accuracy: Test accuracy of the network, in [0, 1].
        macs: Multiply-accumulates of one image.
        params: Number of learned parameters.
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
    hyper_parameters: TrainingHyperParameters,
    epochs: int,
    seed: int,
    device: str,
    augmentation: AugmentationSettings,
    weights: Path | None = None,
    speed_ups: SpeedUps = ALL,
) -> TeacherTraining:
    """Train a teacher on all training images.

    Args:
        images: Training, validation and test images.
        builder: A name in ``networks.TEACHERS``.
        options: An instance of the builder's ``Options``, or its fields.
        hyper_parameters: Hyper-parameters of the teacher's training, not of the students'.
        epochs: Passes over the training images; 0 leaves the weights of a file as they are.
        seed: Seed of weights, orders and augmentations.
        device: Name of the device, see :func:`mf_nas_kd.device.choose_device`.
        augmentation: Augmentation of the training images, the same as the students'.
        weights: A file of initial weights; None for random ones.
        speed_ups: Which of them may be used; they change results by rounding only.

    Raises:
        UnknownNameError: If the builder is not known.
        pydantic.ValidationError: If an option is missing, unknown, or not allowed.
        InvalidValueError: If the network does not take the images; if a weight in the file is not finite; or if there
            is neither a file of weights nor an epoch.
        MissingWeightsError: If there are no weights in the file.
        ShapeMismatchError: If a layer of the file does not fit.
        TrainingFailedError: If the loss or the outputs of the network become non-finite.
    """
    if epochs == 0 and weights is None:
        raise InvalidValueError("teacher.epochs", epochs, "at least 1, or teacher.weights a file")
    statistics, on = images.pixel_statistics, choose_device(device)
    with reproducible(), mixed_precision(speed_ups.mixed_precision):
        network, origins = _initial_network(images, builder, options, seed, weights)
        network = network.to(on)
        validation = ResidentImages(images.validation, Identity(), statistics, on)
        test = ResidentImages(images.test, Identity(), statistics, on)
        epoch_losses: tuple[float, ...] = ()
        val_accuracies: tuple[float, ...] = ()
        if epochs > 0:
            train = ResidentImages(images.train, augmentation.build(), statistics, on)
            result, val_accuracies = _fit(network, train, validation, hyper_parameters, epochs, seed, speed_ups)
            network, epoch_losses = result.delivered(network), result.epoch_losses
            origins = tuple(dict.fromkeys((*origins, images.fingerprint)))
        fields = teacher_fields(builder, options)
        description = NetworkDescription(builder, fields, images.classes, images.image_shape, *statistics, origins)
        cost = network_cost(network, images.image_shape)
        return TeacherTraining(
            network=TrainedNetwork.of(description, network),
            epoch_losses=epoch_losses,
            # The last one is measured anew: normalisation was recalibrated, and the averaged network is kept, if any.
            val_accuracies=(*val_accuracies[:-1], measure_accuracy(network, validation)),
            test_accuracy=measure_accuracy(network, test),
            macs=cost.macs,
            params=cost.params,
        )


def _fit(
    network: nn.Module,
    train: ResidentImages,
    validation: ResidentImages,
    hyper_parameters: TrainingHyperParameters,
    epochs: int,
    seed: int,
    speed_ups: SpeedUps,
) -> tuple[FitResult, tuple[float, ...]]:
    """Train with a progress bar; returns the validation accuracy of each epoch as well, of the trained weights."""
    accuracies: list[float] = []

    def measure(epoch: int, loss: float) -> None:
        accuracies.append(measure_accuracy(network, validation))
        logger.info("Teacher, epoch %d of %d: loss %.4f, validation %.4f", epoch, epochs, loss, accuracies[-1])

    objective = Objective(hyper_parameters.label_smoothing)
    with progress_bar("teacher", total=1.0, delay_seconds=5.0) as bar:
        result = fit(network, train, objective, hyper_parameters, epochs, seed, measure, partial(_show, bar), speed_ups)
    return result, tuple(accuracies)


def _initial_network(
    images: ImageDataset, builder: str, options: Options | Mapping[str, Any], seed: int, weights: Path | None
) -> tuple[nn.Module, tuple[str, ...]]:
    """The network, and fingerprints of the images on which its weights were trained."""
    with torch_seeded(seed, "teacher"):
        network = build_teacher(builder, options, images.classes, images.image_shape)
    trained_on: tuple[str, ...] = ()
    if weights is not None:
        trained_on = load_weights(network, weights.expanduser(), images.image_shape)
        if set(trained_on) != {images.fingerprint}:
            logger.warning(
                "Teacher from %s: trained on other images or splits, as far as is known; it may have seen what is "
                "validation or test here",
                weights,
            )
    return network, trained_on


def _show(bar: tqdm[Any], progress: float) -> None:
    bar.update(progress - bar.n)
