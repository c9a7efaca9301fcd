"""A training, resolved once: everything that its evaluation request and its study determine, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.errors import InvalidValueError, MissingTeacherError
from mf_nas_kd.images import Augmentation, Draws
from mf_nas_kd.networks import build_network
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import Uninitialised
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.evaluation import EvaluationRequest
from mf_nas_kd.registry import lookup
from mf_nas_kd.seeding import fingerprint
from mf_nas_kd.studies.training_context import Subset, TrainingContext
from mf_nas_kd.taps import TapShapes
from mf_nas_kd.teacher import TargetSpec
from mf_nas_kd.training import DistillationConfiguration, TrainingHyperParameters
from mf_nas_kd.training.schedule import constant_epochs

RESULTS_VERSION = 3
"""Part of every key. Raise it when a change of the code changes the accuracies of trainings."""


PairSource = tuple[Subset, Draws, int, bool]
"""Subset, draws, epochs, and whether gradient norms are matched: what determines the pairs that a training sees."""


@dataclass(frozen=True, eq=False)
class ResolvedTraining:
    """One training of a study. Nothing below this value knows fidelities or reads settings.

    Attributes:
        architecture: Architecture of the student.
        train_fraction: Fraction of the training images, in (0, 1].
        epochs: Passes over the subset, at least 1.
        width: Multiplier of the student's channels, in (0, 1].
        seed: Seed of weights, orders, augmentations and dropout.
        dataset_fingerprint: Hash of images, labels and splits.
        classes: Number of classes.
        image_shape: ``(C, H, W)`` of an image as the student sees it.
        resized: Whether this is another size than the images' own, which the teacher sees.
        subset: Images that are trained on.
        augmentation: Augmentation of these.
        hyper_parameters: Optimiser and schedule.
        draws: Image and augmentation of every step.
        distillation_name: Name of the distillation configuration; ``none`` for plain cross-entropy.
        distillation: The distillation configuration.
        gradient_norm_ratio: Wanted ratio of gradient norms, where the configuration matches them.
        teacher_fingerprint: Hash of the teacher's weights; empty for plain cross-entropy.
        precision: Precision in which networks are computed, such as ``torch.float32``.
    """

    architecture: Architecture
    train_fraction: Fraction
    epochs: int
    width: float
    seed: int
    dataset_fingerprint: str
    classes: int
    image_shape: tuple[int, int, int]
    resized: bool
    subset: Subset
    augmentation: Augmentation
    hyper_parameters: TrainingHyperParameters
    draws: Draws
    distillation_name: str
    distillation: DistillationConfiguration
    gradient_norm_ratio: float
    teacher_fingerprint: str
    precision: str

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width at which the student sees the images."""
        return self.image_shape[1:]

    @property
    def key_payload(self) -> dict[str, Any]:
        """Everything that determines the accuracies, as JSON values; the content of the evaluation's key.

        The words are those of the first version (``views``, ``recipe``, ``balanced_ratio``): a key is a hash of them,
        and stored evaluations are found by their keys. A further dimension of fidelity must leave the payload as it is
        at its default, for the same reason.
        """
        payload = {
            "results_version": RESULTS_VERSION,
            "dataset": self.dataset_fingerprint,
            "subset": self.subset.name,
            "views": self.augmentation.cache_key,
            "recipe": self.hyper_parameters.key_payload,
            "distillation": self.distillation.key_payload,
            "balanced_ratio": self.gradient_norm_ratio if self.distillation.matches_gradient_norm else None,
            "teacher": self.teacher_fingerprint,
            "space": self.architecture.space,
            "architecture": self.architecture.specification,
            "fidelity": [str(self.train_fraction), self.epochs, self.width],
            "seed": self.seed,
            "precision": self.precision,
        }
        return {**payload, "image_size": list(self.image_size)} if self.resized else payload

    @property
    def key(self) -> str:
        """Key of the evaluation: 32 hexadecimal characters; equal keys, equal accuracies."""
        return fingerprint(self.key_payload, length=32)

    @property
    def constant_epochs(self) -> int:
        """Epochs before the learning rate decays; 0 with a cosine."""
        return constant_epochs(self.hyper_parameters, self.epochs)

    @property
    def start(self) -> str | None:
        """Name of what trainings that differ in their epochs only have in common; None where that is nothing.

        They are equal until the learning rate of the shorter one decays, see :func:`constant_epochs`. With a cosine, or
        a loss whose weight rises with the progress of the training, they differ from the first step on.
        """
        if self.constant_epochs == 0 or self.distillation.loss_warmup_fraction > 0:
            return None
        payload = self.key_payload
        fraction, _, width = payload["fidelity"]
        return fingerprint({**payload, "fidelity": [fraction, None, width]}, length=32)

    @property
    def student(self) -> TapShapes:
        """Shapes of the student's taps."""
        return student_shapes(self.architecture, self.width, self.classes, self.image_shape)

    @property
    def target_spec(self) -> TargetSpec | None:
        """Specification of the teacher targets; None for plain cross-entropy."""
        return TargetSpec(self.distillation_name, self.student) if self.distillation.distils else None

    @property
    def cached_spec(self) -> TargetSpec | None:
        """Specification of the targets that may be cached; None if there are none, or the images are mixed.

        Hardly a mixture is seen twice: its targets are those of the teacher's forward pass on the same mixture.
        """
        return None if self.hyper_parameters.mixup > 0 else self.target_spec

    @property
    def seen(self) -> PairSource:
        """What determines the pairs of image and augmentation: equal for trainings that see the same ones."""
        return self.subset, self.draws, self.epochs, self.distillation.matches_gradient_norm

    @property
    def pairs(self) -> NDArray[np.int64]:
        """Pairs that the training sees, each once, with positions among all training images: ``(P,)``."""
        return seen_pairs(*self.seen)


def resolve(request: EvaluationRequest, study: TrainingContext) -> ResolvedTraining:
    """Resolve a request to evaluate an architecture.

    Args:
        request: Architecture, fidelity and seed.
        study: What all trainings of the study share.

    Raises:
        UnknownNameError: If there is no distillation configuration of the fidelity's name.
        MissingTeacherError: If the fidelity distils, and there is no teacher.
        InvalidValueError: If the subset has fewer images than there are classes, or the student's images would be
            larger than they are.
    """
    fidelity, settings, images = request.fidelity, study.settings, study.images
    distillation = lookup(settings.distillation.root, fidelity.distillation, "distillation of a fidelity")
    if distillation.distils and study.teacher is None:
        raise MissingTeacherError(
            f"{fidelity} distils from a teacher, but there is none: run the teacher pipeline first"
        )
    subset = study.subset(fidelity.train_fraction)
    batch_size = settings.hyper_parameters.batch_size
    image_shape = student_image_shape(images.image_shape, fidelity.image_size)
    return ResolvedTraining(
        architecture=request.architecture,
        train_fraction=fidelity.train_fraction,
        epochs=fidelity.epochs,
        width=fidelity.width,
        seed=request.seed,
        dataset_fingerprint=images.fingerprint,
        classes=images.classes,
        image_shape=image_shape,
        resized=image_shape != images.image_shape,
        subset=subset,
        augmentation=study.augmentation,
        hyper_parameters=settings.hyper_parameters,
        draws=Draws.of(len(subset), len(study.augmentation), batch_size, request.seed),
        distillation_name=fidelity.distillation,
        distillation=distillation,
        gradient_norm_ratio=settings.gradient_norm_ratio,
        teacher_fingerprint=study.teacher.fingerprint if distillation.distils and study.teacher is not None else "",
        precision=study.precision,
    )


def student_image_shape(image_shape: tuple[int, int, int], image_size: int | None) -> tuple[int, int, int]:
    """Shape of an image as the student sees it; the ratio of the sides stays, rounded to whole pixels.

    >>> student_image_shape((3, 32, 48), 16)
    (3, 16, 24)

    Args:
        image_shape: Shape ``(C, H, W)`` of the study's images.
        image_size: Shorter side in pixels; None for the images' own.

    Raises:
        InvalidValueError: If the images are smaller than that.
    """
    channels, height, width = image_shape
    own = min(height, width)
    if image_size is None:
        return image_shape
    if image_size > own:
        where = "evaluation.low.image_sizes (or search.low.image_sizes): image_size"
        raise InvalidValueError(where, image_size, f"at most {own}, the shorter side of the study's images")
    return channels, round(height * image_size / own), round(width * image_size / own)


@lru_cache(maxsize=4096)
def student_shapes(
    architecture: Architecture, width: float, classes: int, image_shape: tuple[int, int, int]
) -> TapShapes:
    """Shapes of a student's taps, from a network whose weights are not initialised.

    Args:
        architecture: The architecture.
        width: Multiplier of its channels.
        classes: Number of classes.
        image_shape: ``(C, H, W)`` of an image as the student sees it.
    """
    with Uninitialised():
        network = build_network(architecture, classes, image_shape[0], width)
        return TapShapes.of(forward_empty_batch(network, image_shape))


@lru_cache(maxsize=2)  # trainings of one fidelity follow each other; a long one on many images has 50 MB of pairs
def seen_pairs(subset: Subset, draws: Draws, epochs: int, match_gradient_norm: bool) -> NDArray[np.int64]:
    """Pairs of image and augmentation that a training sees, each once, with positions among all training images.

    Args:
        subset: Images that are trained on.
        draws: Image and augmentation of every step.
        epochs: Number of epochs.
        match_gradient_norm: Whether gradient norms are matched at the start, on a batch of its own.
    """
    pairs: NDArray[np.int64] = draws.index.within(subset.positions, draws.pairs(epochs, match_gradient_norm)).numpy()
    return pairs
