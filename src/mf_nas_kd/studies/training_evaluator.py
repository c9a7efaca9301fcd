"""Evaluates an architecture by training it."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from mf_nas_kd import __version__
from mf_nas_kd.device import autocast_dtype, describe_device, synchronise
from mf_nas_kd.errors import MfNasKdError, WorkerStartError
from mf_nas_kd.images import ImageDataset, ResidentImages, SubsetOrder, Views
from mf_nas_kd.networks import NetworkDescription, TrainedNetwork, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import Costs
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest, PrecomputedTargets, Status, now
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.records.metrics import Metrics
from mf_nas_kd.seeding import fingerprint
from mf_nas_kd.studies.teaching import Teaching
from mf_nas_kd.studies.training_context import TrainingContext
from mf_nas_kd.teacher.cache import Answer, Question
from mf_nas_kd.training import (
    TrainingSettings,
    fit,
    measure_accuracy,
    reproducible,
)
from mf_nas_kd.training.recipes import BALANCED
from mf_nas_kd.workers import Executor

logger = logging.getLogger(__name__)

RESULTS_VERSION = 2
"""Part of every key. Raise it when a change of the code changes the accuracies that a training gives."""


class TrainingEvaluator:
    """Trains architectures on one data set, with one recipe, beside one teacher.

    Args:
        images: Training, validation and test images.
        order: Nested subsets of the training images.
        settings: How to train.
        teacher: Whom to imitate; None if no fidelity does.
        teacher_folder: Where what the teacher says is kept; None to ask it in every step.

    Raises:
        InvalidValueError: If the teacher was trained for other classes or another size of images.
    """

    def __init__(
        self,
        images: ImageDataset,
        order: SubsetOrder,
        settings: TrainingSettings,
        teacher: TrainedNetwork | None,
        teacher_folder: Path | None = None,
    ) -> None:
        self.context = TrainingContext(images, order, settings)
        self.teaching = Teaching(self.context, teacher, teacher_folder)

    def key(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> str:
        """Hash of images, subset, recipe, architecture, fidelity, seed, precision, and the teacher where there is one.

        Not part of it: which CPU or GPU, and the number of workers. They change an accuracy by rounding only.
        """
        distillation = self.teaching.recipe_of(fidelity)
        determines: dict[str, Any] = {
            "results_version": RESULTS_VERSION,
            "dataset": self.context.images.fingerprint,
            "subset": self.context.subset_name(fidelity.train_fraction),
            "views": self.context.settings.views.model_dump(),
            "recipe": self.context.settings.recipe.model_dump(),
            "distillation": distillation.model_dump(),
            "balanced_ratio": self.context.settings.balanced_ratio if distillation.loss_weight == BALANCED else None,
            "teacher": self.teaching.teacher_fingerprint(fidelity),
            "space": architecture.space,
            "architecture": architecture.specification,
            "fidelity": [str(fidelity.train_fraction), fidelity.epochs, fidelity.width],
            "seed": seed,
            "precision": str(autocast_dtype(self.context.device)),
        }
        return fingerprint(determines, length=32)

    def evaluate(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> Evaluation:
        """Train and measure. Whatever goes wrong in a training is a record with ``status`` ``failed``."""
        with suppress(MfNasKdError):  # of which the training will tell
            self.teaching.warm_up(architecture, fidelity)
        started = time.perf_counter()
        metrics, error = Metrics(), ""
        try:
            metrics = Metrics(*self.train(architecture, fidelity, seed)[1:])
        except Exception as failure:  # one bad training must not end a study of hundreds: the record says what happened
            error = f"{type(failure).__name__}: {failure}"
            logger.warning("Training of %s with %s failed: %s", architecture.id, fidelity, error)
        seconds = time.perf_counter() - started
        return self._record(architecture, fidelity, seed, metrics, seconds, error)

    def failure(self, architecture: Architecture, fidelity: Fidelity, seed: int, error: str) -> Evaluation:
        """The record of a training whose worker died; what it cost is not known."""
        return self._record(architecture, fidelity, seed, Metrics(), 0.0, error)

    def train(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> tuple[nn.Module, float, float]:
        """Train an architecture and measure it.

        Returns:
            The network in evaluation mode, its validation accuracy and its test accuracy, both in [0, 1].

        Raises:
            TrainingFailedError: If the loss becomes non-finite.
        """
        with reproducible():
            with torch_seeded(seed, "weights"):
                network = self.context.build(architecture, fidelity.width).to(self.context.device)
                objective = self.teaching.objective(network, fidelity, seed).to(self.context.device)
            subset = self.context.images.train[self.context.subset(fidelity.train_fraction)]
            resident = self.context.resident(subset, self.context.views)
            fit(network, resident, objective, self.context.settings.recipe, fidelity.epochs, seed)
            validation, test = (measure_accuracy(network, images) for images in self._measured)
            synchronise(self.context.device)
        return network.eval(), validation, test

    def require_possible(self, architecture: Architecture, fidelities: Iterable[Fidelity]) -> None:
        """Find mistakes of the configuration before hundreds of trainings fail of them.

        Args:
            architecture: Any of the space.
            fidelities: What is going to be asked for.

        Raises:
            InvalidValueError: If a subset is smaller than the classes, or a loss refuses its options or the teacher.
        """
        fidelities = list(fidelities)
        for fidelity in fidelities:
            self.context.subset(fidelity.train_fraction)
        with torch_seeded(0, "trial"):
            network = self.context.build(architecture, width=1.0).to(self.context.device)
            for name in dict.fromkeys(fidelity.distillation for fidelity in fidelities):
                self.teaching.objective(network, Fidelity(Fraction(1), epochs=1, distillation=name), seed=0)

    def prepare(self, requests: Iterable[EvaluationRequest], workers: Executor[Any]) -> Iterator[PrecomputedTargets]:
        return self.teaching.prepare(requests, lambda questions: workers.stream(_ask, questions))

    def cost(self, architecture: Architecture, width: float = 1.0) -> Costs:
        """Multiply-accumulates and parameters on these images."""
        with torch_seeded(0, "cost"):
            return network_cost(self.context.build(architecture, width), self.context.images.image_shape)

    def describe(self, architecture: Architecture) -> NetworkDescription:
        """What is needed to build the architecture's network again, at full width, for these images."""
        mean, std = self.context.images.pixel_statistics
        return NetworkDescription(
            builder=architecture.space,
            fields=architecture.fields,
            classes=self.context.images.classes,
            image_shape=self.context.images.image_shape,
            pixel_mean=mean,
            pixel_std=std,
            trained_on=self.context.images.fingerprint,
        )

    def _record(
        self,
        architecture: Architecture,
        fidelity: Fidelity,
        seed: int,
        metrics: Metrics,
        seconds: float,
        error: str,
    ) -> Evaluation:
        return Evaluation(
            key=self.key(architecture, fidelity, seed),
            architecture=architecture,
            fidelity=fidelity,
            seed=seed,
            dataset=self.context.images.name,
            dataset_fingerprint=self.context.images.fingerprint,
            teacher_fingerprint=self.teaching.teacher_fingerprint(fidelity),
            status=Status.FAILED if error else Status.FINISHED,
            error=error,
            metrics=metrics,
            cost_seconds=seconds,
            costs=self.cost(architecture, fidelity.width),
            device=describe_device(self.context.device),
            code_version=__version__,
            finished_at=now(),
        )

    def __getstate__(self) -> dict[str, Any]:
        """What was made for one device stays in its process."""
        kept = {name: value for name, value in self.__dict__.items() if name != "_measured"}
        return {**kept, "_sent_from": str(autocast_dtype(self.context.device))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrived at a worker. The first optimiser imports torch's compiler: 2.6 s (one core) that are no training."""
        self.__dict__.update(state)
        precision, sent_from = str(autocast_dtype(self.context.device)), self.__dict__.pop("_sent_from")
        if precision != sent_from:  # keys and remembered targets belong to one precision
            raise WorkerStartError(
                f"this worker trains in {precision} on {describe_device(self.context.device)}, its driver plans for "
                f"{sent_from}; give both the same kind of device, or set training.device to one that both have"
            )
        importlib.import_module("torch._dynamo")

    @cached_property
    def _measured(self) -> tuple[ResidentImages, ResidentImages]:
        """Validation and test images, as they are."""
        images, resident = self.context.images, self.context.resident
        return resident(images.validation, Views.centre()), resident(images.test, Views.centre())


def _ask(evaluator: TrainingEvaluator, question: Question) -> Answer:
    """A worker's task."""
    return evaluator.teaching.answer(question)
