"""What is measured on the images and on this machine before a plan is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mf_nas_kd.cores import default_workers
from mf_nas_kd.images import ImageDataset, SubsetOrder
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.planning.plan import Facts
from mf_nas_kd.planning.speed import candidate_seconds, teacher_seconds
from mf_nas_kd.planning.wishes import Wishes
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import Limits, sample_within
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TrainingSettings
from mf_nas_kd.workers import open_executor

SAMPLE = 40
"""Architectures of which the costs are counted, to know what the study's networks cost."""


def measured_facts(images: ImageDataset, order: SubsetOrder, parameters: Mapping[str, Any], wishes: Wishes) -> Facts:
    """Numbers of images, and measured times of candidates and teacher.

    Args:
        images: The images of the study.
        order: Nested subsets of its training images.
        parameters: The parameters of the study, each an instance of its model.
        wishes: What the user asks for; architectures are sampled within the limits.

    Raises:
        ImpossibleLimitError: If no network is within the limits.
    """
    training, teacher = parameters["training"], parameters["teacher"]
    settings = TrainingSettings.of(training, parameters["augmentation"], parameters["distillation"])
    evaluator = TrainingEvaluator(images, order, settings, None)
    limits = Limits.of(max_macs=wishes.max_macs, max_params=wishes.max_params)
    cost_of, rng = CostCounter(images.classes, images.image_shape), numpy_generator(0, "planning")
    sample = sample_within(parameters["space"].build(), SAMPLE, limits, cost_of, rng)
    ordered = sorted(sample, key=lambda each: cost_of(each).macs)
    macs = [cost_of(each).macs for each in ordered]
    quartiles = list(dict.fromkeys((ordered[len(ordered) // 4], ordered[3 * len(ordered) // 4])))
    with open_executor(parameters["executor"], evaluator) as workers:
        candidate = candidate_seconds(quartiles, evaluator, workers)
    options = teacher.options[teacher.builder]
    counts = np.bincount(images.train.labels.numpy(), minlength=images.classes)
    return Facts(
        train=len(images.train),
        validation=len(images.validation),
        test=len(images.test),
        classes=images.classes,
        smallest_class=int(counts.min()),
        largest_class=int(counts.max()),
        workers=parameters["executor"].workers or default_workers(),
        candidate=candidate,
        mean_macs=float(np.mean(macs)),
        largest_macs=float(macs[-1]),
        teacher=teacher_seconds(images, teacher.builder, options, teacher.hyper_parameters, settings),
    )
