"""Finds distillation configurations whose loss outweighs the cross-entropy when a training begins."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import torch

from mf_nas_kd.device import autocast, mixed_precision, reproducible
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.seeding import canonical_json
from mf_nas_kd.studies.resolution import ResolvedTraining
from mf_nas_kd.studies.study_teacher import StudyTeacher
from mf_nas_kd.studies.training_context import TrainingContext
from mf_nas_kd.teacher import OnlineTargets, TargetSpec
from mf_nas_kd.training import DistillationTerm, Objective

logger = logging.getLogger(__name__)

LARGEST_FIRST_GRADIENT = 20.0
"""Ratio of gradient norms beyond which a configuration is warned about.

Measured (digits, 10 epochs, n = 12, ``benchmarks/README.md``): of nine configurations above it, with the published
formulas and weights, eight had a lower accuracy than ``kd``, whose ratio is 3. The ninth, ``hint``, had a higher one,
so it is a warning and no refusal.
"""

_checked: set[str] = set()
"""Configurations that this process has checked, with the images and the teacher, as JSON."""


def warn_of_large_first_gradients(
    trainings: Iterable[ResolvedTraining], context: TrainingContext, teacher: StudyTeacher
) -> None:
    """Warn of every configuration with a first gradient of more than ``LARGEST_FIRST_GRADIENT``, once a process.

    Of a configuration, the first training counts. A configuration whose loss weight is found by gradient norms has the
    ratio that was asked for.

    Args:
        trainings: Trainings to come.
        context: What all trainings of the study share.
        teacher: The teacher of the study.
    """
    for training in trainings:
        spec, configuration, name = training.target_spec, training.distillation, training.distillation_name
        belongs_to = [name, configuration.model_dump(), training.dataset_fingerprint, training.teacher_fingerprint]
        if spec is None or configuration.matches_gradient_norm or canonical_json(belongs_to) in _checked:
            continue
        _checked.add(canonical_json(belongs_to))
        ratio = first_gradient_ratio(training, spec, context, teacher)
        if not ratio <= LARGEST_FIRST_GRADIENT:
            logger.warning(
                "Distillation configuration %s: the first gradient of its loss is %.3g times that of the "
                "cross-entropy, more than %g; a student may learn little in few epochs. Set "
                "distillation.%s.loss_weight to gradient_norm, or below %.2g",
                *(name, ratio, LARGEST_FIRST_GRADIENT, name),
                LARGEST_FIRST_GRADIENT / ratio * float(configuration.loss_weight),
            )


def first_gradient_ratio(
    training: ResolvedTraining, spec: TargetSpec, context: TrainingContext, teacher: StudyTeacher
) -> float:
    """Ratio of gradient norms at a training's initial weights, see :meth:`Objective.gradient_norm_ratio`.

    Args:
        training: The training.
        spec: Specification of its teacher targets.
        context: What all trainings of the study share.
        teacher: The teacher of the study.

    Raises:
        InvalidValueError: If the loss refuses its options, the teacher or the batch.
    """
    positions, augmentations = training.draws.gradient_norm_batch()
    images = context.images.train[training.subset.positions[positions]]
    with reproducible(), mixed_precision(context.settings.mixed_precision):
        with torch_seeded(training.seed, "weights"):
            network = context.build(training.architecture, training.width).to(context.device).train()
            loss = teacher.loss(spec, len(training.subset)).to(context.device)
        targets = OnlineTargets(teacher.network, loss)
        objective = Objective(
            training.hyper_parameters.label_smoothing,
            DistillationTerm(training.distillation, loss, targets, training.gradient_norm_ratio),
            context.class_weights(training.hyper_parameters, training.subset),
        ).to(context.device)
        resident = context.resident(images, training.augmentation, training.image_size)
        batch = resident.batch(torch.arange(len(images), device=context.device), augmentations.to(context.device))
        with autocast(context.device), torch_seeded(training.seed, "dropout", 0):
            return objective.gradient_norm_ratio(network, batch)
