"""Evaluates an architecture by training it."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mf_nas_kd import __version__
from mf_nas_kd.device import describe_device, mixed_precision, reproducible, require_working, synchronise
from mf_nas_kd.errors import InvalidValueError, MfNasKdError, TrainingFailedError, WorkerStartError
from mf_nas_kd.images import ImageDataset, ResidentImages, SubsetOrder
from mf_nas_kd.networks import NetworkDescription, TrainedNetwork
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import Costs
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest, PrecomputedTargets, Status, now
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.records.learning_curve import LearningCurve, measured_epochs
from mf_nas_kd.records.metrics import Metrics
from mf_nas_kd.studies.first_gradients import warn_of_large_first_gradients
from mf_nas_kd.studies.kept_trainings import KeptTraining, TrainingOutputs
from mf_nas_kd.studies.objective_factory import ObjectiveFactory
from mf_nas_kd.studies.paused_trainings import PausableEvaluation
from mf_nas_kd.studies.resolution import ResolvedTraining, resolve
from mf_nas_kd.studies.study_teacher import StudyTeacher
from mf_nas_kd.studies.target_precomputation import TargetPrecomputation
from mf_nas_kd.studies.training_clock import TrainingClock
from mf_nas_kd.studies.training_context import TrainingContext
from mf_nas_kd.teacher import TargetBatch, TargetRequest
from mf_nas_kd.training import (
    TrainingSettings,
    accuracy_of,
    compute_logits,
    fit,
    measure_accuracy,
    metrics_of,
    require_mixable,
)
from mf_nas_kd.workers import Executor

logger = logging.getLogger(__name__)


FORWARD_PASSES_OF_A_STEP = 3
"""Cost of a training step in forward passes: one, and a backward pass of two."""

MEASUREMENTS_SHARE = 0.1
"""What measuring a learning curve may cost, as a share of the training."""

FEWEST_MEASURED = 500
"""Validation images on which an accuracy on the way is measured at least: its standard error is 2 points at most."""


@dataclass(frozen=True, eq=False)
class TrainedStudent:
    """A student after its training.

    Attributes:
        network: The module, in evaluation mode, on its device.
        curve: Learning curve.
        validation_logits: ``(n, K)``, float32, on the CPU.
        test_logits: ``(m, K)``, likewise.
    """

    network: nn.Module
    curve: LearningCurve
    validation_logits: Tensor
    test_logits: Tensor


class TrainingEvaluator:
    """Trains architectures on one data set, with one set of hyper-parameters and one teacher.

    Args:
        images: Training, validation and test images.
        order: Nested subsets of the training images.
        settings: Settings of the trainings.
        teacher: The teacher; None if no fidelity distils.
        teacher_folder: Folder of the cached teacher targets; None to make the teacher's forward pass in every step.
        checkpoints: How often the validation accuracy is measured for a learning curve at most; None for every epoch.

    Raises:
        InvalidValueError: If the teacher was trained for other classes, another size of images, or other images.
    """

    def __init__(
        self,
        images: ImageDataset,
        order: SubsetOrder,
        settings: TrainingSettings,
        teacher: TrainedNetwork | None,
        teacher_folder: Path | None = None,
        checkpoints: int | None = None,
    ) -> None:
        self.context = TrainingContext(images, order, settings, teacher)
        self.teacher = StudyTeacher(self.context, teacher_folder)
        self.objectives = ObjectiveFactory(self.context, self.teacher)
        self.precomputation = TargetPrecomputation(self.context, self.teacher)
        self._checkpoints = checkpoints

    @property
    def precomputation_seconds(self) -> float:
        """Wall time of the workers that computed teacher targets in :meth:`prepare`, in seconds, added up."""
        return self.precomputation.seconds

    def resolve(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> ResolvedTraining:
        """Everything that an evaluation request and this study determine.

        Raises:
            UnknownNameError: If there is no distillation configuration of the fidelity's name.
            MissingTeacherError: If the fidelity distils, and there is no teacher.
            InvalidValueError: If the subset has fewer images than there are classes.
        """
        return resolve(EvaluationRequest(architecture, fidelity, seed), self.context)

    def key(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> str:
        """Hash of everything that determines the result, see :attr:`ResolvedTraining.key_payload`.

        Not part of it: which CPU or GPU, and the number of workers. They change an accuracy by rounding only.
        """
        return self.resolve(architecture, fidelity, seed).key

    def evaluate(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> Evaluation:
        """Train and measure.

        What belongs to the architecture or the configuration is a record with ``status`` ``failed``: a loss or an
        accuracy that is not finite, options that are refused. Any other exception is raised: it says nothing of the
        architecture.
        """
        return self.evaluate_and_pause(EvaluationRequest(architecture, fidelity, seed)).evaluation

    def start(self, request: EvaluationRequest) -> tuple[str, int] | None:
        """Name of what a training shares with those of more epochs, its epochs before it decays; None if nothing."""
        training = resolve(request, self.context)
        return None if training.start is None else (training.start, training.constant_epochs)

    def evaluate_and_pause(self, request: EvaluationRequest) -> PausableEvaluation:
        """:meth:`evaluate`, going on from the request's pause, with the pause before the learning rate decays."""
        training = resolve(request, self.context)
        clock = TrainingClock.of(training, request.pause, self.context.settings.clock)
        evaluation, _ = self._evaluated(training, request.fidelity, clock)
        if not evaluation.finished or clock.paused is None:
            return PausableEvaluation(evaluation)
        return PausableEvaluation(evaluation, training.start, clock.paused.state.epochs, clock.paused.to_bytes())

    def evaluate_and_keep(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> KeptTraining:
        """:meth:`evaluate`, with the weights, the learning curve and the outputs of the network."""
        training = self.resolve(architecture, fidelity, seed)
        clock = TrainingClock.of(training, None, self.context.settings.clock)
        evaluation, student = self._evaluated(training, fidelity, clock)
        if student is None:
            return KeptTraining(evaluation, None)
        network = TrainedNetwork.of(self.describe(architecture), student.network)
        outputs = TrainingOutputs(network, student.curve, student.validation_logits, student.test_logits)
        return KeptTraining(evaluation, outputs)

    def _evaluated(
        self, training: ResolvedTraining, fidelity: Fidelity, clock: TrainingClock
    ) -> tuple[Evaluation, TrainedStudent | None]:
        with suppress(MfNasKdError):  # the training raises it again
            self.objectives.warm_up(training)
        clock.begin()
        student, metrics, error = None, Metrics(), ""
        try:
            student = self.train_resolved(training, clock)
            metrics = self.metrics(student)
        except (TrainingFailedError, InvalidValueError) as failure:
            error = f"{type(failure).__name__}: {failure}"
            logger.warning("Training of %s with %s failed: %s", training.architecture.id, fidelity, error)
        curve = student.curve if student is not None else None
        return self._record(training, fidelity, metrics, error, clock, curve), student

    def failure(self, architecture: Architecture, fidelity: Fidelity, seed: int, error: str) -> Evaluation:
        """The record of a training that was given up; its time is in ``lost_seconds``, which the runner knows."""
        return self._record(self.resolve(architecture, fidelity, seed), fidelity, Metrics(), error, None, None)

    def train(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> tuple[nn.Module, float, float]:
        """Train an architecture and measure it.

        Returns:
            The network in evaluation mode, its validation accuracy and its test accuracy, both in [0, 1].

        Raises:
            TrainingFailedError: If the loss becomes non-finite.
        """
        student = self.train_resolved(self.resolve(architecture, fidelity, seed))
        return student.network, *self.accuracies(student)

    def train_resolved(self, training: ResolvedTraining, clock: TrainingClock | None = None) -> TrainedStudent:
        """Train a student and compute its outputs for the validation and test images.

        Args:
            training: The training.
            clock: Where it goes on from, and where it is paused; None for neither.

        Raises:
            TrainingFailedError: If the loss becomes non-finite.
        """
        context, seed, epochs = self.context, training.seed, training.epochs
        clock = clock or TrainingClock()
        with reproducible(), mixed_precision(context.settings.mixed_precision):
            with torch_seeded(seed, "weights"):
                network = context.build(training.architecture, training.width).to(context.device)
                objective = self.objectives.objective(training).to(context.device)
            subset = context.images.train[training.subset.positions]
            resident = context.resident(subset, training.augmentation, training.image_size)
            validation, test = context.measured(training.image_size)
            measured, checked = self._checkpoints_of(training)

            def after_epoch(epoch: int, _: float) -> None:
                if epoch < epochs and epoch in measured:
                    with suppress(TrainingFailedError):  # it may still recover; the end decides
                        clock.val_accuracies[epoch] = measure_accuracy(network, checked)

            fitted = fit(
                network,
                resident,
                objective,
                training.hyper_parameters,
                epochs,
                seed,
                after_epoch,
                speed_ups=context.settings,
                paused=clock.state,
                on_pause=clock.pause if training.start is not None else None,
            )
            delivered = fitted.delivered(network)
            logits = [compute_logits(delivered, images) for images in (validation, test)]
            accuracies = dict(clock.val_accuracies)
            if delivered is network:
                accuracies[epochs] = accuracy_of(logits[0], context.images.validation.labels)
            else:
                accuracies[epochs] = measure_accuracy(network, validation)
            synchronise(context.device)
        return TrainedStudent(delivered.eval(), LearningCurve(fitted.epoch_losses, accuracies), *logits)

    def _checkpoints_of(self, training: ResolvedTraining) -> tuple[frozenset[int], ResidentImages]:
        """After which epochs of a training the validation accuracy is measured, and on which of the validation images.

        It costs a tenth of the training at most: where all images cost more, it is measured on every second one, every
        third one, and so on, at least on ``FEWEST_MEASURED``; where these cost more, in fewer epochs.
        """
        count = len(self.context.images.validation)
        affordable = int(training.epochs * len(training.subset) * FORWARD_PASSES_OF_A_STEP * MEASUREMENTS_SHARE)
        wanted = training.epochs if self._checkpoints is None else self._checkpoints
        times = max(1, min(wanted, affordable // min(count, FEWEST_MEASURED)))
        every = max(1, -(-count * times // max(1, affordable)))
        return measured_epochs(training.epochs, times), self.context.measured_part(training.image_size, every)

    def metrics(self, student: TrainedStudent) -> Metrics:
        """All metrics of a student."""
        return metrics_of(self.context.images, student.validation_logits, student.test_logits)

    def accuracies(self, student: TrainedStudent) -> tuple[float, float]:
        """Validation and test accuracy of a student, in [0, 1]."""
        images = self.context.images
        validation = accuracy_of(student.validation_logits, images.validation.labels)
        return validation, accuracy_of(student.test_logits, images.test.labels)

    def require_possible(self, architecture: Architecture, fidelities: Iterable[Fidelity]) -> None:
        """Find mistakes of the configuration before hundreds of trainings fail of them, or learn little.

        Args:
            architecture: Any architecture of the space.
            fidelities: Fidelities that will be evaluated.

        Raises:
            InvalidValueError: If a subset is smaller than the classes, or a loss refuses its options, teacher or mixup.
        """
        trainings = [self.resolve(architecture, fidelity, seed=0) for fidelity in fidelities]
        specs = {training.target_spec: training for training in trainings}
        with torch_seeded(0, "trial"):
            for spec, training in specs.items():
                if spec is not None:
                    require_mixable(training.distillation, training.hyper_parameters.mixup)
                    self.teacher.loss(spec, len(training.subset))
        warn_of_large_first_gradients(trainings, self.context, self.teacher)

    def prepare(self, requests: Iterable[EvaluationRequest], workers: Executor[Any]) -> Iterator[PrecomputedTargets]:
        trainings = (resolve(request, self.context) for request in requests)
        return self.precomputation.run(trainings, lambda requests: workers.stream(_compute_targets, requests))

    def cost(self, architecture: Architecture, width: float = 1.0) -> Costs:
        """Multiply-accumulates and parameters on these images."""
        return self.context.cost_of(architecture, width)

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
            trained_on=(self.context.images.fingerprint,),
        )

    def _record(
        self,
        training: ResolvedTraining,
        fidelity: Fidelity,
        metrics: Metrics,
        error: str,
        clock: TrainingClock | None,
        curve: LearningCurve | None,
    ) -> Evaluation:
        return Evaluation(
            key=training.key,
            architecture=training.architecture,
            fidelity=fidelity,
            seed=training.seed,
            dataset=self.context.images.name,
            dataset_fingerprint=self.context.images.fingerprint,
            teacher_fingerprint=training.teacher_fingerprint,
            status=Status.FAILED if error else Status.FINISHED,
            error=error,
            metrics=metrics,
            learning_curve=curve,
            cost_seconds=0.0 if clock is None else clock.seconds,
            lost_seconds=0.0,
            reused_seconds=0.0 if clock is None else clock.reused_seconds,
            pause_seconds=None if clock is None else clock.pause_seconds,
            costs=self.context.cost_of(training.architecture, training.width, training.image_shape),
            device=describe_device(self.context.device),
            code_version=__version__,
            finished_at=now(),
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_sent_from": self.context.precision}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive at a worker, and prove that its device works: a fault after that may be an architecture's.

        The first optimiser imports torch's compiler, which takes 2.6 s (one core): done here, it is in no training's
        cost.
        """
        self.__dict__.update(state)
        precision, sent_from = self.context.precision, self.__dict__.pop("_sent_from")
        if precision != sent_from:  # keys and cached targets belong to one precision
            raise WorkerStartError(
                f"this worker trains in {precision} on {describe_device(self.context.device)}, its driver plans for "
                f"{sent_from}; give both the same kind of device, or set training.device to one that both have"
            )
        importlib.import_module("torch._dynamo")
        require_working(self.context.device)


def _compute_targets(evaluator: TrainingEvaluator, request: TargetRequest) -> TargetBatch:
    """A worker's task."""
    return evaluator.precomputation.compute(request)
