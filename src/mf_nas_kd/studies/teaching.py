"""What a student is asked for: right classes, and what a teacher says, remembered for all trainings or asked anew."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mf_nas_kd import __version__
from mf_nas_kd.device import autocast_dtype, describe_device
from mf_nas_kd.distillation import DistillationLoss, build_loss
from mf_nas_kd.errors import InvalidValueError, MissingTeacherError, TrainingFailedError
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.networks import TrainedNetwork, rebuild
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import Uninitialised, torch_seeded
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.evaluation import EvaluationRequest, PrecomputedTargets, now
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.registry import lookup
from mf_nas_kd.studies.training_context import TrainingContext
from mf_nas_kd.taps import Taps, TapShapes
from mf_nas_kd.teacher.cache import Answer, Lesson, Question, TeacherMemory
from mf_nas_kd.teacher.target_file import TargetFile
from mf_nas_kd.teacher.targets import PRECISION, TARGETS_VERSION, ask_teacher
from mf_nas_kd.training import (
    DistillationRecipe,
    Draws,
    Imitation,
    Objective,
    OnlineTeacherTargets,
    TeacherTargets,
    reproducible,
)
from mf_nas_kd.training.accuracy import largest_batch
from mf_nas_kd.training.recipes import BALANCED

logger = logging.getLogger(__name__)

Stream = Callable[[Iterable[tuple[int, Question]]], Iterator[tuple[int, Future[Answer]]]]
"""Has workers answer questions; gives each back by its key, as it ends."""


class Teaching:
    """Builds the objective of every training of a study, and has the teacher asked beforehand.

    Args:
        context: What trainings share.
        teacher: Whom to imitate; None if no fidelity does.
        folder: Where what the teacher says is kept; None to ask it in every step.

    Attributes:
        asked_seconds: What workers took in :meth:`prepare` to ask it.

    Raises:
        InvalidValueError: If the teacher was trained for other classes, another size of images, or other images.
    """

    def __init__(
        self,
        context: TrainingContext,
        teacher: TrainedNetwork | None,
        folder: Path | None,
    ) -> None:
        if teacher is not None:
            _require_same_problem(teacher, context.images)
        self._context = context
        self._teacher = teacher
        self._folder = folder
        self.asked_seconds = 0.0

    def recipe_of(self, fidelity: Fidelity) -> DistillationRecipe:
        """How a fidelity distils.

        Raises:
            UnknownNameError: If there is no such recipe.
            MissingTeacherError: If it imitates a teacher, and there is none.
        """
        recipe = lookup(self._context.settings.distillation, fidelity.distillation, "distillation of a fidelity")
        if recipe.imitates and self._teacher is None:
            raise MissingTeacherError(
                f"{fidelity} imitates a teacher, but there is none: run the teacher pipeline first"
            )
        return recipe

    def teacher_fingerprint(self, fidelity: Fidelity) -> str:
        """Empty for a plain training, which has no teacher."""
        return self._teacher.fingerprint if self.recipe_of(fidelity).imitates and self._teacher is not None else ""

    def objective(self, network: nn.Module, fidelity: Fidelity, seed: int) -> Objective:
        """What a training minimises.

        Args:
            network: The student, on the device.
            fidelity: Says which recipe, and with ``seed`` what the student is going to see.
            seed: Of the training.

        Raises:
            InvalidValueError: If the loss refuses its options or the teacher.
        """
        distillation = self.recipe_of(fidelity)
        smoothing = self._context.settings.recipe.label_smoothing
        if not distillation.imitates:
            return Objective(smoothing)
        lesson = Lesson(fidelity.distillation, TapShapes.of(self._taps_of_nothing(network)))
        loss = self._loss(lesson, len(self._context.subset(fidelity.train_fraction)))
        targets = self._teacher_targets(loss, fidelity, seed)
        return Objective(smoothing, Imitation(distillation, loss, targets, self._context.settings.balanced_ratio))

    def warm_up(self, architecture: Architecture, fidelity: Fidelity) -> None:
        """What is done once in a process, or once when more was remembered, before a training's clock starts.

        Raises:
            InvalidValueError: As :meth:`objective`.
        """
        if self._memory is not None and self.recipe_of(fidelity).imitates:
            self._memory.check(
                self._file_for(Lesson(fidelity.distillation, self._student(architecture, fidelity.width)))
            )

    def prepare(self, requests: Iterable[EvaluationRequest], stream: Stream) -> Iterator[PrecomputedTargets]:
        """Ask the teacher once for all that these trainings are going to see."""
        if self._memory is None:
            return
        questions = list(self._memory.missing(self._wanted(requests)))
        pairs = sum(len(question.pairs) for question, _ in questions)
        with progress_bar("asking the teacher", total=pairs, delay_seconds=2.0) as bar:
            asked = {number: question for number, (question, _) in enumerate(questions)}
            for number, future in stream(asked.items()):
                question, files = questions[number]
                bar.update(len(question.pairs))
                try:
                    answer = future.result()
                    self._memory.append(files, question, answer)
                except (TrainingFailedError, RuntimeError, OSError) as failure:  # these trainings ask in every step
                    logger.warning("%d pairs of image and view are not remembered: %s", len(question.pairs), failure)
                else:
                    self.asked_seconds += answer.seconds
                    yield self._fill(question, answer)

    def answer(self, question: Question) -> Answer:
        """What the teacher says. Batches always have the same size: what is said of an image depends on it alone."""
        started = time.perf_counter()
        pairs, views = torch.from_numpy(question.pairs), self._context.views
        with reproducible(), torch_seeded(0, "lessons"):
            losses = [self._loss(lesson, num_images=2).to(self._context.device) for lesson in question.lessons]
            chosen, place = (pairs // len(views)).unique(return_inverse=True)
            images = self._context.resident(self._context.images.train[chosen], views)
            parts = []
            batch_size = largest_batch(images)
            for rows in torch.arange(len(pairs)).split(batch_size):
                whole = rows.new_full((batch_size,), int(rows[0]))
                whole[: len(rows)] = rows
                batch = images.batch(*(n[whole].to(self._context.device) for n in (place, pairs % len(views))))
                said = ask_teacher(self._teacher_network, losses, batch.images)
                parts.append([targets[: len(rows)].cpu() for targets in said])
        targets = tuple(torch.cat(said).numpy() for said in zip(*parts, strict=True))
        return Answer(targets, time.perf_counter() - started)

    def __getstate__(self) -> dict[str, Any]:
        """What was made for one device stays in its process."""
        made_here = {"_teacher_network", "_teacher_taps", "_memory"}
        return {name: value for name, value in self.__dict__.items() if name not in made_here}

    @cached_property
    def _teacher_network(self) -> nn.Module | None:
        if self._teacher is None:
            return None
        return rebuild(self._teacher).to(self._context.device, memory_format=torch.channels_last)

    @cached_property
    def _teacher_taps(self) -> Taps | None:
        """Of no image: their shapes are the teacher's."""
        return None if self._teacher_network is None else self._taps_of_nothing(self._teacher_network)

    @cached_property
    def _memory(self) -> TeacherMemory | None:
        if self._teacher is None or self._folder is None or self._context.settings.teacher_memory_gib == 0:
            return None
        belongs_to = {
            "version": TARGETS_VERSION,
            "teacher": self._teacher.fingerprint,
            "dataset": self._context.images.fingerprint,
            "views": self._context.settings.views.model_dump(),
            "computed_in": str(autocast_dtype(self._context.device)),
            "kept_in": str(PRECISION),
        }
        return TeacherMemory(self._folder, self._context.settings.teacher_memory_gib, belongs_to)

    def _taps_of_nothing(self, network: nn.Module) -> Taps:
        return forward_empty_batch(network, self._context.images.image_shape)

    def _student(self, architecture: Architecture, width: float) -> TapShapes:
        """Shapes of a network that nobody has to initialise for that."""
        with Uninitialised():
            return TapShapes.of(self._taps_of_nothing(self._context.build(architecture, width)))

    def _loss(self, lesson: Lesson, num_images: int) -> DistillationLoss:
        recipe = self._context.settings.distillation[lesson.distillation]
        teacher = None if self._teacher_taps is None else TapShapes.of(self._teacher_taps)
        try:
            return build_loss(
                recipe.loss, student=lesson.student, teacher=teacher, num_images=num_images, **recipe.options
            )
        except TypeError as failure:
            what = f"training.distillation.{lesson.distillation}.options"
            raise InvalidValueError(what, recipe.options, f"of the types that the loss takes: {failure}") from failure

    def _teacher_targets(self, loss: DistillationLoss, fidelity: Fidelity, seed: int) -> TeacherTargets:
        """Remembered where all that the training is going to see is there, else the teacher itself."""
        if self._memory is not None:
            subset = self._context.subset(fidelity.train_fraction)
            seen = self._seen(fidelity, seed)
            found = self._memory.look_up(self._file(loss), seen, subset, len(self._context.views), self._context.device)
            if found is not None:
                return found
        return OnlineTeacherTargets(self._teacher_network, loss)

    def _file(self, loss: DistillationLoss) -> TargetFile:
        return self._memory.file(loss.remembers, tuple(loss.teacher_targets(self._teacher_taps).shape[1:]))

    def _file_for(self, lesson: Lesson) -> TargetFile:
        """Without a training: the form of a target does not depend on the number of images."""
        with torch_seeded(0, "lessons"):
            return self._file(self._loss(lesson, num_images=2))

    def _seen(self, fidelity: Fidelity, seed: int) -> NDArray[np.int64]:
        """Pairs that a training sees, ``position * views + view`` with the position among all training images."""
        subset, views = self._context.subset(fidelity.train_fraction), len(self._context.views)
        draws = Draws.of(len(subset), views, self._context.settings.recipe.batch_size, seed)
        pairs = draws.pairs(fidelity.epochs, self.recipe_of(fidelity).loss_weight == BALANCED)
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
            if not self.recipe_of(fidelity).imitates:
                continue
            if student not in shapes:
                shapes[student] = self._student(request.architecture, fidelity.width)
            lesson = Lesson(fidelity.distillation, shapes[student])
            if lesson not in files:
                try:
                    files[lesson] = self._file_for(lesson)
                except InvalidValueError:  # its trainings will say so, each in its record
                    continue
            alike = replace(fidelity, width=1.0)  # a narrow network sees what a wide one does
            trainings.setdefault(files[lesson].path, {})[alike, request.seed] = None
        by_path = {file.path: (file, lesson) for lesson, file in files.items()}
        return [
            (*by_path[path], np.unique(np.concatenate([self._seen(*training) for training in alike])))
            for path, alike in trainings.items()
        ]

    def _fill(self, question: Question, answer: Answer) -> PrecomputedTargets:
        return PrecomputedTargets(
            dataset_fingerprint=self._context.images.fingerprint,
            teacher_fingerprint=self._teacher.fingerprint,
            distillation=", ".join(lesson.distillation for lesson in question.lessons),
            pairs=len(question.pairs),
            seconds=answer.seconds,
            device=describe_device(self._context.device),
            code_version=__version__,
            finished_at=now(),
        )


def _require_same_problem(teacher: TrainedNetwork, images: ImageDataset) -> None:
    trained_for = (teacher.description.classes, teacher.description.image_shape)
    wanted = (images.classes, images.image_shape)
    if trained_for != wanted:
        allowed = f"{wanted}, those of {images.name!r}: train a teacher on these images"
        raise InvalidValueError("the teacher's (classes, image shape)", trained_for, allowed)
    if teacher.description.trained_on != images.fingerprint:
        allowed = f"{images.fingerprint}: it may have learned what is now validation or test; run the teacher pipeline"
        raise InvalidValueError("the fingerprint of the teacher's images", teacher.description.trained_on, allowed)
