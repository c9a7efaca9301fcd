"""Weights of the classes in a study: from the images that each training has, for students and teacher."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from mf_nas_kd.networks import TEACHERS
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TrainingSettings, teacher_training
from mf_nas_kd.training.class_weights import class_weights
from tests.conftest import SETTINGS

CHANGED = {"hyper_parameters": {**SETTINGS["hyper_parameters"], "class_weights": "balanced"}}


@pytest.fixture
def weighted():
    return TrainingSettings.model_validate({**SETTINGS, **CHANGED})


@pytest.mark.parametrize("distillation", ["none", "kd"])
@pytest.mark.parametrize("fraction", [Fraction(1, 9), Fraction(1)])
def test_weights_of_a_student_are_those_of_its_subset(
    digits, order, weighted, teacher, architectures, short, distillation, fraction
):
    evaluator = TrainingEvaluator(digits, order, weighted, teacher)
    training = evaluator.resolve(
        architectures[0], replace(short, train_fraction=fraction, distillation=distillation), seed=0
    )
    labels = digits.train.labels[order.positions(fraction)]
    found = evaluator.objectives.objective(training).class_weights
    assert torch.equal(found, class_weights("balanced", labels, digits.classes))
    of_all = class_weights("balanced", digits.train.labels, digits.classes)
    assert torch.equal(found, of_all) == (fraction == 1)


def test_the_teacher_is_trained_with_weights_of_all_training_images(digits, weighted, monkeypatch):
    seen = []

    def watched(label_smoothing, term=None, class_weights=None):
        seen.append(class_weights)
        raise InterruptedError

    monkeypatch.setattr(teacher_training, "Objective", watched)
    options = TEACHERS["residual"].Options(stem=4, stages=[4], blocks=1)
    with pytest.raises(InterruptedError):
        teacher_training.train_teacher(
            digits, "residual", options, weighted.hyper_parameters, 1, 0, "cpu", weighted.augmentation
        )
    assert torch.equal(seen[0], class_weights("balanced", digits.train.labels, digits.classes))
