"""How fast this machine trains: measured on a few steps of the networks of the study, on its own images."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median

import numpy as np
import torch
from torch import nn

from mf_nas_kd.device import choose_device, mixed_precision, reproducible, synchronise
from mf_nas_kd.images import ImageDataset, ResidentImages
from mf_nas_kd.networks import build_teacher
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.planning.costs import PassSeconds
from mf_nas_kd.records import Architecture, EvaluationRequest, Fidelity
from mf_nas_kd.registry import Options
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import Objective, TrainingHyperParameters, TrainingSettings, fit
from mf_nas_kd.training.speed_ups import SpeedUps
from mf_nas_kd.workers import Executor

STEPS, FIRST_STEPS = 12, 4
"""Steps that are made, and how many of them are not counted: the first ones warm up."""


class _EnoughError(Exception):
    """Ends a training after its last measured step."""


class _Stopwatch:
    """Called after each step; ends the training after ``STEPS``."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._times: list[float] = []

    def __call__(self, _: float) -> None:
        synchronise(self._device)
        self._times.append(time.perf_counter())
        if len(self._times) > STEPS:
            raise _EnoughError

    @property
    def step_seconds(self) -> float:
        """Median time of a step, in seconds; of the only one where there are no more."""
        counted = np.diff(self._times)[FIRST_STEPS:] if len(self._times) > FIRST_STEPS + 1 else np.diff(self._times)
        return float(median(counted)) if len(counted) else 0.0


def _pass_seconds(
    network: nn.Module,
    images: ResidentImages,
    objective: Objective,
    hyper_parameters: TrainingHyperParameters,
    seed: int,
    speed_ups: SpeedUps,
) -> float:
    """Time of a pass of plain training over the images, in seconds, from the first steps of one."""
    watch, batch_size = _Stopwatch(images.device), hyper_parameters.batch_size
    epochs = -(-(STEPS + 1) * batch_size // max(1, len(images))) + 1
    with contextlib.suppress(_EnoughError):
        fit(network, images, objective, hyper_parameters, epochs, seed, after_step=watch, speed_ups=speed_ups)
    return watch.step_seconds * len(images) / min(batch_size, len(images))


def pass_seconds(evaluator: TrainingEvaluator, request: EvaluationRequest) -> float:
    """Task of a worker: time of a pass of an architecture's plain training over all training images, in seconds."""
    context, training = evaluator.context, evaluator.resolve(request.architecture, request.fidelity, request.seed)
    with reproducible(), mixed_precision(context.settings.mixed_precision):
        with torch_seeded(training.seed, "weights"):
            network = context.build(training.architecture, training.width).to(context.device)
            objective = evaluator.objectives.objective(training).to(context.device)
        resident = context.resident(context.images.train, training.augmentation, training.image_size)
        return _pass_seconds(network, resident, objective, training.hyper_parameters, training.seed, context.settings)


def candidate_seconds(
    architectures: Sequence[Architecture], evaluator: TrainingEvaluator, workers: Executor[TrainingEvaluator]
) -> PassSeconds:
    """Time of a pass over all training images, as it depends on the multiply-accumulates, with all workers busy.

    Args:
        architectures: At least two, of different costs.
        evaluator: Of the study.
        workers: Workers that hold an equal evaluator.
    """
    fidelity = Fidelity(Fraction(1), epochs=1)
    requests = [
        ((architecture.id, seed), EvaluationRequest(architecture, fidelity, seed))
        for architecture in architectures
        for seed in range(workers.in_flight)
    ]
    measured: dict[str, list[float]] = {each.id: [] for each in architectures}
    for (identifier, _), future in workers.stream(pass_seconds, requests):
        measured[identifier].append(future.result())
    return PassSeconds.fitted({evaluator.cost(each).macs: float(np.mean(measured[each.id])) for each in architectures})


@dataclass(frozen=True)
class TeacherSeconds:
    """Times of a teacher on all training images, in seconds.

    Attributes:
        training_pass: Of a pass of its training.
        forward_pass: Of a forward pass.
        is_residual: Whether it is a network of the builder ``residual``, whose time grows with its blocks.
    """

    training_pass: float
    forward_pass: float
    is_residual: bool


FORWARD_SHARE = 1 / 3
"""Forward pass of a training step: the backward pass takes twice as long."""


def teacher_seconds(
    images: ImageDataset,
    builder: str,
    options: Options,
    hyper_parameters: TrainingHyperParameters,
    settings: TrainingSettings,
) -> TeacherSeconds:
    """Time of a pass of a teacher over the training images, in this process, with all its threads."""
    on = choose_device(settings.device)
    with reproducible(), mixed_precision(settings.mixed_precision):
        with torch_seeded(0, "teacher"):
            network = build_teacher(builder, options, images.classes, images.image_shape, images.pixel_statistics)
        resident = ResidentImages(images.train, settings.augmentation.build(), images.pixel_statistics, on)
        objective = Objective(hyper_parameters.label_smoothing).to(on)
        seconds = _pass_seconds(network.to(on), resident, objective, hyper_parameters, 0, settings)
    return TeacherSeconds(seconds, FORWARD_SHARE * seconds, builder == "residual")
