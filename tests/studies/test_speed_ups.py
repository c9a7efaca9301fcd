"""Speed-ups of the configuration reach every training, and leave the keys of evaluations as they are."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from mf_nas_kd.device import autocast_dtype
from mf_nas_kd.images import AugmentationSettings
from mf_nas_kd.studies import target_precomputation, training_evaluator
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.teacher import TargetRequest
from mf_nas_kd.training import TrainingSettings, teacher_training
from mf_nas_kd.training.speed_ups import ALL, SpeedUps
from tests.conftest import SETTINGS

SWITCHES = list(SpeedUps.model_fields)
GPU = torch.device("cuda")


class Reached(Exception):
    pass


def evaluator_with(digits, order, teacher, **changes):
    return TrainingEvaluator(digits, order, TrainingSettings.model_validate({**SETTINGS, **changes}), teacher)


@pytest.mark.parametrize("switch", SWITCHES)
def test_no_switch_is_part_of_a_key(digits, order, teacher, architectures, short, switch):
    kd = replace(short, distillation="kd")
    keys = {evaluator_with(digits, order, teacher, **{switch: v}).key(architectures[0], kd, 0) for v in ("auto", False)}
    assert len(keys) == 1


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("value", [True, "on", 1, None])
def test_a_switch_is_auto_or_false(switch, value):
    with pytest.raises(ValidationError, match=switch):
        TrainingSettings.model_validate({**SETTINGS, switch: value})


def test_the_precision_of_a_key_is_the_one_that_is_used(digits, order, teacher, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    for allowed, precision in (("auto", "torch.bfloat16"), (False, "torch.float32")):
        context = evaluator_with(digits, order, teacher, mixed_precision=allowed).context
        context.device = GPU
        assert context.precision == precision


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_students_training_and_the_teachers_targets_obey(
    digits, order, teacher, architectures, short, monkeypatch, switch
):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    evaluator = evaluator_with(digits, order, teacher, **{switch: False})
    expected = torch.float32 if switch == "mixed_precision" else torch.bfloat16

    def fit(*_, speed_ups, **__):
        assert getattr(speed_ups, switch) is False
        assert autocast_dtype(GPU) == expected
        raise Reached

    monkeypatch.setattr(training_evaluator, "fit", fit)
    with pytest.raises(Reached):
        evaluator.train(architectures[0], short, 0)

    def compute(*_):
        assert autocast_dtype(GPU) == expected
        raise Reached

    monkeypatch.setattr(target_precomputation, "compute_targets", compute)
    training = evaluator.resolve(architectures[0], replace(short, distillation="kd"), 0)
    with pytest.raises(Reached):
        evaluator.precomputation.compute(TargetRequest(training.pairs, (training.target_spec,)))


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_teachers_training_obeys(digits, settings, monkeypatch, switch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    speed_ups = ALL.model_copy(update={switch: False})

    def fit(*arguments):
        assert arguments[-1] is speed_ups
        assert autocast_dtype(GPU) == (torch.float32 if switch == "mixed_precision" else torch.bfloat16)
        raise Reached

    monkeypatch.setattr(teacher_training, "fit", fit)
    fields, augmentation = {"stem": 8, "stages": [8], "blocks": 1}, AugmentationSettings(**SETTINGS["augmentation"])
    with pytest.raises(Reached):
        teacher_training.train_teacher(
            digits, "residual", fields, settings.hyper_parameters, 1, 0, "cpu", augmentation, speed_ups=speed_ups
        )
