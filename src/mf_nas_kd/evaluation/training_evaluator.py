"""Evaluates an architecture by training it."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mf_nas_kd import __version__
from mf_nas_kd.distillation import DistillationLoss, build_loss
from mf_nas_kd.errors import InvalidValueError, MissingTeacherError
from mf_nas_kd.evaluation.executors import Executor
from mf_nas_kd.evaluation.fidelity import Fidelity
from mf_nas_kd.evaluation.record import Evaluation, EvaluationRequest, Status, TeacherFill, now
from mf_nas_kd.evaluation.teacher_memory import Answer, Lesson, Question, TeacherMemory
from mf_nas_kd.images import ImageDataset, LabelledImages, ResidentImages, SubsetOrder, Views
from mf_nas_kd.networks import NetworkCost, NetworkDescription, TrainedNetwork, build_network, network_cost, rebuild
from mf_nas_kd.networks.cost import taps_of_nothing
from mf_nas_kd.networks.initialisation import Uninitialised, torch_seeded
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.registry import lookup
from mf_nas_kd.seeding import fingerprint
from mf_nas_kd.spaces.architecture import Architecture
from mf_nas_kd.taps import TapShapes
from mf_nas_kd.training import (
    DistillationRecipe,
    Draws,
    Imitation,
    Objective,
    OnlineTeacherTargets,
    TeacherTargets,
    TrainingSettings,
    choose_device,
    fit,
    measure_accuracy,
    reproducible,
)
from mf_nas_kd.training.accuracy import largest_batch
from mf_nas_kd.training.device import autocast_dtype, describe_device, synchronise
from mf_nas_kd.training.recipes import BALANCED
from mf_nas_kd.training.target_file import TargetFile
from mf_nas_kd.training.teacher_targets import PRECISION, ask_teacher

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
        if teacher is not None:
            _require_same_problem(teacher, images)
        self._images = images
        self._order = order
        self._settings = settings
        self._teacher = teacher
        self._teacher_folder = teacher_folder

    def key(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> str:
        """Hash of images, subset, recipe, architecture, fidelity, seed, precision, and the teacher where there is one.

        Not part of it: which CPU or GPU, and the number of workers. They change an accuracy by rounding only.
        """
        distillation = self._recipe_of(fidelity)
        determines: dict[str, Any] = {
            "results_version": RESULTS_VERSION,
            "dataset": self._images.fingerprint,
            "subset": self._order.fingerprint if fidelity.train_fraction < 1 else "all",
            "views": self._settings.views.model_dump(),
            "recipe": self._settings.recipe.model_dump(),
            "distillation": distillation.model_dump(),
            "balanced_ratio": self._settings.balanced_ratio if distillation.loss_weight == BALANCED else None,
            "teacher": self._teacher_fingerprint(distillation),
            "space": architecture.space,
            "architecture": architecture.specification,
            "fidelity": [str(fidelity.train_fraction), fidelity.epochs, fidelity.width],
            "seed": seed,
            "precision": str(autocast_dtype(self._device)),
        }
        return fingerprint(determines, length=32)

    def evaluate(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> Evaluation:
        """Train and measure. Whatever goes wrong in a training is a record with ``status`` ``failed``."""
        started = time.perf_counter()
        validation = test = None
        error = ""
        try:
            _, validation, test = self.train(architecture, fidelity, seed)
        except Exception as failure:  # one bad training must not end a study of hundreds: the record says what happened
            error = f"{type(failure).__name__}: {failure}"
            logger.warning("Training of %s with %s failed: %s", architecture.id, fidelity, error)
        seconds = time.perf_counter() - started
        return self._record(architecture, fidelity, seed, validation, test, seconds, error)

    def failure(self, architecture: Architecture, fidelity: Fidelity, seed: int, error: str) -> Evaluation:
        """The record of a training whose worker died; what it cost is not known."""
        return self._record(architecture, fidelity, seed, None, None, 0.0, error)

    def train(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> tuple[nn.Module, float, float]:
        """Train an architecture and measure it.

        Returns:
            The network in evaluation mode, its validation accuracy and its test accuracy, both in [0, 1].

        Raises:
            TrainingFailedError: If the loss becomes non-finite.
        """
        with reproducible():
            with torch_seeded(seed, "weights"):
                network = self._build(architecture, fidelity.width).to(self._device)
                objective = self._objective(network, fidelity, seed).to(self._device)
            subset = self._images.train[self._order.positions(fidelity.train_fraction)]
            resident = self._resident(subset, self._views)
            fit(network, resident, objective, self._settings.recipe, fidelity.epochs, seed)
            validation, test = (measure_accuracy(network, images) for images in self._measured)
            synchronise(self._device)
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
            self._order.positions(fidelity.train_fraction)
        with torch_seeded(0, "trial"):
            network = self._build(architecture, width=1.0).to(self._device)
            for name in dict.fromkeys(fidelity.distillation for fidelity in fidelities):
                self._objective(network, Fidelity(Fraction(1), epochs=1, distillation=name), seed=0)

    def prepare(self, requests: Iterable[EvaluationRequest], workers: Executor) -> Iterator[TeacherFill]:
        """Ask the teacher once for all that these trainings are going to see."""
        if self._memory is None:
            return
        questions = list(self._memory.missing(self._wanted(requests)))
        pairs = sum(len(question.pairs) for question, _ in questions)
        with progress_bar("asking the teacher", total=pairs, delay_seconds=2.0) as bar:
            asked = {number: question for number, (question, _) in enumerate(questions)}
            for number, future in workers.stream(ask, asked):
                (question, files), answer = questions[number], future.result()
                self._memory.append(files, question, answer)
                bar.update(len(question.pairs))
                yield self._fill(question, answer)

    def ask(self, question: Question) -> Answer:
        """What the teacher says. Batches always have the same size: what is said of an image depends on it alone."""
        started = time.perf_counter()
        pairs, views = torch.from_numpy(question.pairs), self._views
        with reproducible(), torch_seeded(0, "lessons"):
            losses = [self._loss(lesson, num_images=2).to(self._device) for lesson in question.lessons]
            chosen, place = (pairs // len(views)).unique(return_inverse=True)
            images = self._resident(self._images.train[chosen], views)
            parts = []
            batch_size = largest_batch(images)
            for rows in torch.arange(len(pairs)).split(batch_size):
                whole = rows.new_full((batch_size,), int(rows[0]))
                whole[: len(rows)] = rows
                batch = images.batch(*(n[whole].to(self._device) for n in (place, pairs % len(views))))
                said = ask_teacher(self._teacher_network, losses, batch.images)
                parts.append([targets[: len(rows)].cpu() for targets in said])
        targets = tuple(torch.cat(said).numpy() for said in zip(*parts, strict=True))
        return Answer(targets, time.perf_counter() - started)

    def cost(self, architecture: Architecture, width: float = 1.0) -> NetworkCost:
        """Multiply-accumulates and parameters on these images."""
        with torch_seeded(0, "cost"):
            return network_cost(self._build(architecture, width), self._images.image_shape)

    def describe(self, architecture: Architecture) -> NetworkDescription:
        """What is needed to build the architecture's network again, at full width, for these images."""
        mean, std = self._images.pixel_statistics
        return NetworkDescription(
            builder=architecture.space,
            fields=architecture.fields,
            classes=self._images.classes,
            image_shape=self._images.image_shape,
            pixel_mean=mean,
            pixel_std=std,
            trained_on=self._images.fingerprint,
        )

    def _record(
        self,
        architecture: Architecture,
        fidelity: Fidelity,
        seed: int,
        validation: float | None,
        test: float | None,
        seconds: float,
        error: str,
    ) -> Evaluation:
        cost = self.cost(architecture, fidelity.width)
        return Evaluation(
            key=self.key(architecture, fidelity, seed),
            space=architecture.space,
            architecture_id=architecture.id,
            architecture=architecture.specification,
            train_fraction=float(fidelity.train_fraction),
            epochs=fidelity.epochs,
            width=fidelity.width,
            distillation=fidelity.distillation,
            seed=seed,
            dataset=self._images.name,
            dataset_fingerprint=self._images.fingerprint,
            teacher_fingerprint=self._teacher_fingerprint(self._recipe_of(fidelity)),
            status=Status.FAILED if error else Status.FINISHED,
            error=error,
            val_accuracy=validation,
            test_accuracy=test,
            cost_seconds=seconds,
            macs=cost.macs,
            params=cost.params,
            device=describe_device(self._device),
            code_version=__version__,
            finished_at=now(),
        )

    def __getstate__(self) -> dict[str, Any]:
        """What was made for one device stays in its process."""
        made_here = {"_device", "_teacher_network", "_teacher_shapes", "_measured", "_memory"}
        return {name: value for name, value in self.__dict__.items() if name not in made_here}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrived at a worker. The first optimiser imports torch's compiler: 2.6 s (one core) that are no training."""
        self.__dict__.update(state)
        importlib.import_module("torch._dynamo")

    @cached_property
    def _device(self) -> torch.device:
        return choose_device(self._settings.device)

    @cached_property
    def _teacher_network(self) -> nn.Module | None:
        if self._teacher is None:
            return None
        return rebuild(self._teacher).to(self._device, memory_format=torch.channels_last)

    @cached_property
    def _views(self) -> Views:
        return Views.of(self._settings.views)

    @cached_property
    def _teacher_shapes(self) -> TapShapes | None:
        return None if self._teacher_network is None else self._shapes(self._teacher_network)

    @cached_property
    def _memory(self) -> TeacherMemory | None:
        if self._teacher is None or self._teacher_folder is None:
            return None
        belongs_to = {
            "teacher": self._teacher.fingerprint,
            "dataset": self._images.fingerprint,
            "views": self._settings.views.model_dump(),
            "computed_in": str(autocast_dtype(self._device)),
            "kept_in": str(PRECISION),
        }
        return TeacherMemory(self._teacher_folder, self._settings.teacher_memory_gib, belongs_to)

    @cached_property
    def _measured(self) -> tuple[ResidentImages, ResidentImages]:
        """Validation and test images, as they are."""
        images = self._images
        return self._resident(images.validation, Views.centre()), self._resident(images.test, Views.centre())

    def _resident(self, images: LabelledImages, views: Views) -> ResidentImages:
        return ResidentImages(images, views, self._images.pixel_statistics, self._device)

    def _build(self, architecture: Architecture, width: float) -> nn.Module:
        return build_network(architecture, self._images.classes, self._images.image_shape[0], width)

    def _recipe_of(self, fidelity: Fidelity) -> DistillationRecipe:
        recipe = lookup(self._settings.distillation, fidelity.distillation, "distillation of a fidelity")
        if recipe.imitates and self._teacher is None:
            raise MissingTeacherError(
                f"{fidelity} imitates a teacher, but there is none: run the teacher pipeline first"
            )
        return recipe

    def _teacher_fingerprint(self, distillation: DistillationRecipe) -> str:
        return self._teacher.fingerprint if distillation.imitates and self._teacher is not None else ""

    def _shapes(self, network: nn.Module) -> TapShapes:
        return TapShapes.of(taps_of_nothing(network, self._images.image_shape))

    def _objective(self, network: nn.Module, fidelity: Fidelity, seed: int) -> Objective:
        distillation = self._recipe_of(fidelity)
        smoothing = self._settings.recipe.label_smoothing
        if not distillation.imitates:
            return Objective(smoothing)
        lesson = Lesson(fidelity.distillation, self._shapes(network))
        loss = self._loss(lesson, len(self._order.positions(fidelity.train_fraction)))
        targets = self._teacher_targets(loss, fidelity, seed)
        return Objective(smoothing, Imitation(distillation, loss, targets, self._settings.balanced_ratio))

    def _loss(self, lesson: Lesson, num_images: int) -> DistillationLoss:
        recipe = self._settings.distillation[lesson.distillation]
        try:
            return build_loss(
                recipe.loss,
                student=lesson.student,
                teacher=self._teacher_shapes,
                num_images=num_images,
                **recipe.options,
            )
        except TypeError as failure:
            what = f"training.distillation.{lesson.distillation}.options"
            raise InvalidValueError(what, recipe.options, f"of the types that the loss takes: {failure}") from failure

    def _teacher_targets(self, loss: DistillationLoss, fidelity: Fidelity, seed: int) -> TeacherTargets:
        """Remembered where all that the training is going to see is there, else the teacher itself."""
        if self._memory is not None:
            subset = self._order.positions(fidelity.train_fraction)
            seen = self._seen(fidelity, seed)
            found = self._memory.look_up(self._file(loss), seen, subset, len(self._views), self._device)
            if found is not None:
                return found
        return OnlineTeacherTargets(self._teacher_network, loss)

    def _file(self, loss: DistillationLoss) -> TargetFile:
        of_nothing = loss.teacher_targets(taps_of_nothing(self._teacher_network, self._images.image_shape))
        return self._memory.file(loss.remembers, tuple(of_nothing.shape[1:]))

    def _seen(self, fidelity: Fidelity, seed: int) -> NDArray[np.int64]:
        """Pairs that a training sees, ``position * views + view`` with the position among all training images."""
        subset, views = self._order.positions(fidelity.train_fraction), len(self._views)
        draws = Draws.of(len(subset), views, self._settings.recipe.batch_size, seed)
        pairs = draws.pairs(fidelity.epochs, self._recipe_of(fidelity).loss_weight == BALANCED)
        return (subset[pairs // views] * views + pairs % views).numpy()

    def _wanted(self, requests: Iterable[EvaluationRequest]) -> list[tuple[TargetFile, Lesson, NDArray[np.int64]]]:
        """The files from which trainings will look up targets, what to ask for them, and the pairs that they will see.

        Different losses may want the same file, and hundreds of trainings see the same pairs.
        """
        shapes: dict[tuple[str, float], TapShapes] = {}
        files: dict[Lesson, TargetFile] = {}
        trainings: dict[Path, dict[tuple[Fidelity, int], None]] = {}
        for request in requests:
            fidelity, student = request.fidelity, (request.architecture.id, request.fidelity.width)
            if not self._recipe_of(fidelity).imitates:
                continue
            if student not in shapes:
                with Uninitialised():
                    shapes[student] = self._shapes(self._build(request.architecture, fidelity.width))
            lesson = Lesson(fidelity.distillation, shapes[student])
            if lesson not in files:
                with torch_seeded(0, "lessons"):
                    files[lesson] = self._file(self._loss(lesson, num_images=2))
            alike = replace(fidelity, width=1.0)  # a narrow network sees what a wide one does
            trainings.setdefault(files[lesson].path, {})[alike, request.seed] = None
        by_path = {file.path: (file, lesson) for lesson, file in files.items()}
        return [
            (*by_path[path], np.unique(np.concatenate([self._seen(*training) for training in alike])))
            for path, alike in trainings.items()
        ]

    def _fill(self, question: Question, answer: Answer) -> TeacherFill:
        return TeacherFill(
            dataset_fingerprint=self._images.fingerprint,
            teacher_fingerprint=self._teacher.fingerprint,
            remembers=", ".join(lesson.distillation for lesson in question.lessons),
            pairs=len(question.pairs),
            seconds=answer.seconds,
            device=describe_device(self._device),
            code_version=__version__,
            finished_at=now(),
        )


def ask(evaluator: TrainingEvaluator, question: Question) -> Answer:
    """A worker's task."""
    return evaluator.ask(question)


def _require_same_problem(teacher: TrainedNetwork, images: ImageDataset) -> None:
    trained_for = (teacher.description.classes, teacher.description.image_shape)
    wanted = (images.classes, images.image_shape)
    if trained_for != wanted:
        allowed = f"{wanted}, those of {images.name!r}: train a teacher on these images"
        raise InvalidValueError("the teacher's (classes, image shape)", trained_for, allowed)
    if teacher.description.trained_on != images.fingerprint:
        allowed = f"{images.fingerprint}: it may have learned what is now validation or test; run the teacher pipeline"
        raise InvalidValueError("the fingerprint of the teacher's images", teacher.description.trained_on, allowed)
