"""Training of a teacher: the same engine, plain cross-entropy, all images; or weights from a file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from mf_nas_kd.device import choose_device, mixed_precision, reproducible
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import AugmentationSettings, Identity, ImageDataset, ResidentImages
from mf_nas_kd.networks import NetworkDescription, TrainedNetwork, build_teacher, network_cost, teacher_fields
from mf_nas_kd.networks.hooked import classifier_name
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.provenance import warn_of_other_origins
from mf_nas_kd.networks.timm import TimmNetwork
from mf_nas_kd.networks.weights import load_weights
from mf_nas_kd.progress import Bar, progress_bar
from mf_nas_kd.registry import Options
from mf_nas_kd.training.accuracy import measure_accuracy
from mf_nas_kd.training.class_weights import class_weights
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
        weights: A file of initial weights; None for random ones, or for those that the builder's options have
            downloaded. Where they are for another number of classes, the last layer is a new one.
        speed_ups: Which of them may be used; they change results by rounding only.

    Raises:
        UnknownNameError: If the builder is not known.
        pydantic.ValidationError: If an option is missing, unknown, or not allowed.
        InvalidValueError: If the network does not take the images; if a weight in the file is not finite; if there
            are no initial weights, or weights for other classes, and no epoch; or if there are two sources of weights.
        MissingPackageError: If the package of the builder is not installed.
        MissingWeightsError: If there are no weights in the file, or they cannot be downloaded.
        ShapeMismatchError: If a layer of the file does not fit.
        TrainingFailedError: If the loss or the outputs of the network become non-finite.
    """
    fields = teacher_fields(builder, options)
    require_initial_weights(epochs, weights, fields)
    statistics, on = images.pixel_statistics, choose_device(device)
    with reproducible(), mixed_precision(speed_ups.mixed_precision):
        with torch_seeded(seed, "teacher"):
            network = build_teacher(builder, options, images.classes, images.image_shape, statistics)
        origins = _load_initial_weights(network, images, fields, epochs, weights)
        network = network.to(on)
        validation = ResidentImages(images.validation, Identity(), statistics, on)
        test = ResidentImages(images.test, Identity(), statistics, on)
        epoch_losses: tuple[float, ...] = ()
        val_accuracies: tuple[float, ...] = ()
        if epochs > 0:
            train = ResidentImages(images.train, augmentation.build(), statistics, on)
            result, val_accuracies = _fit(
                network, train, validation, images.classes, hyper_parameters, epochs, seed, speed_ups
            )
            network, epoch_losses = result.delivered(network), result.epoch_losses
            origins = tuple(dict.fromkeys((*origins, images.fingerprint)))
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
    classes: int,
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

    weights = class_weights(hyper_parameters.class_weights, train.labels, classes)
    objective = Objective(hyper_parameters.label_smoothing, class_weights=weights).to(train.device)
    with progress_bar("teacher", total=1.0, delay_seconds=5.0) as bar:
        result = fit(network, train, objective, hyper_parameters, epochs, seed, measure, partial(_show, bar), speed_ups)
    return result, tuple(accuracies)


def require_initial_weights(epochs: int, weights: Path | None, fields: Mapping[str, Any]) -> None:
    """Check that a teacher has weights from one source: a file, a download, or a training.

    Args:
        epochs: Passes over the training images.
        weights: A file of initial weights, or None.
        fields: Fields of the teacher's description.

    Raises:
        InvalidValueError: If there is no source, or both a file and a download.
    """
    downloads = bool(fields.get("pretrained"))
    if epochs == 0 and weights is None and not downloads:
        raise InvalidValueError("teacher.epochs", epochs, "at least 1, or teacher.weights a file")
    if weights is not None and downloads:
        raise InvalidValueError("teacher.weights", str(weights), "null where teacher.options ask for pretrained: true")


def _load_initial_weights(
    network: nn.Module, images: ImageDataset, fields: Mapping[str, Any], epochs: int, weights: Path | None
) -> tuple[str, ...]:
    """Load the weights of a file or a download, if any; returns their provenances."""
    trained_on: tuple[str, ...] = ()
    if weights is not None:
        replaceable = classifier_name(network, images.classes) if epochs > 0 else None
        trained_on = load_weights(network, weights.expanduser(), images.image_shape, replaceable)
    elif isinstance(network, TimmNetwork) and fields["pretrained"]:
        name, has_classifier = network.load_pretrained()
        if epochs == 0 and not has_classifier:
            raise InvalidValueError("teacher.epochs", 0, f"at least 1: the weights {name} are for other classes")
        trained_on = (name,)
    warn_of_other_origins(trained_on, images.fingerprint)
    return trained_on


def _show(bar: Bar, progress: float) -> None:
    bar.update(progress - bar.n)
