"""Averaged weights and mixed images in a study: keys, teacher targets, what is measured, what is refused."""

from concurrent.futures import Future
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from mf_nas_kd.distillation import published_options
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks import TEACHERS
from mf_nas_kd.records import EvaluationRequest
from mf_nas_kd.studies import trained_teachers
from mf_nas_kd.studies import training_evaluator as module
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.teacher import CachedTargets, OnlineTargets
from mf_nas_kd.training import TrainingHyperParameters, TrainingSettings, fit
from mf_nas_kd.training.speed_ups import ALL
from tests.conftest import SETTINGS

LATER = ("weight_averaging", "mixup", "class_weights", "schedule", "decay_fraction")
OLD = {name: value for name, value in SETTINGS["hyper_parameters"].items() if name not in LATER}


@pytest.fixture
def fidelity(short):
    return replace(short, train_fraction=Fraction(1, 9), epochs=2, distillation="kd")


def hyper_parameters(**changes):
    return TrainingHyperParameters.model_validate({**SETTINGS["hyper_parameters"], **changes})


def settings_with(losses=(), **changes):
    others = {
        name: {**SETTINGS["distillation"]["kd"], "loss": name, "options": published_options(name)} for name in losses
    }
    distillation = {**SETTINGS["distillation"], **others}
    changed = {**SETTINGS["hyper_parameters"], **changes}
    return TrainingSettings.model_validate({**SETTINGS, "distillation": distillation, "hyper_parameters": changed})


@pytest.fixture
def study(digits, order, teacher, tmp_path):
    return lambda **changes: TrainingEvaluator(digits, order, settings_with(**changes), teacher, tmp_path)


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        ({}, {}),
        ({"weight_averaging": 0, "mixup": 0}, {}),
        ({"weight_averaging": 0.9}, {"weight_averaging": 0.9}),
        ({"mixup": 0.2}, {"mixup": 0.2}),
        ({"class_weights": "none"}, {}),
        ({"class_weights": "balanced"}, {"class_weights": "balanced"}),
    ],
)
def test_keys_are_those_before_the_fields_where_they_change_nothing(changes, added):
    assert hyper_parameters(**changes).key_payload == {**OLD, **added}


def test_the_key_of_an_evaluation_has_them_all(study, architectures, fidelity):
    changes = ({}, {"weight_averaging": 0.9}, {"weight_averaging": 0.99}, {"mixup": 0.2}, {"class_weights": "balanced"})
    trainings = [study(**change).resolve(architectures[0], fidelity, 0) for change in changes]
    assert trainings[0].key_payload["recipe"] == OLD
    assert len({training.key for training in trainings}) == len(changes)


def test_the_key_of_a_teacher_is_made_of_the_same(digits, settings, monkeypatch):
    made = []
    monkeypatch.setattr(trained_teachers, "fingerprint", lambda determined, length: made.append(determined) or "key")
    monkeypatch.setattr(trained_teachers.TrainedTeachers, "_found_or_trained", lambda *_: None)
    options = TEACHERS["residual"].Options(stem=4, stages=[4], blocks=1)
    for changed in (hyper_parameters(), hyper_parameters(mixup=0.2)):
        trained_teachers.TrainedTeachers(None, None).find_or_train(
            digits, "residual", options, changed, 1, 0, "cpu", settings.augmentation, None, ALL
        )
    assert [each["hyper_parameters"] for each in made] == [OLD, {**OLD, "mixup": 0.2}]


@pytest.mark.parametrize(("mixup", "source"), [(0.0, CachedTargets), (0.2, OnlineTargets)])
def test_a_training_with_mixup_asks_for_no_targets_and_has_them_online(study, architectures, fidelity, mixup, source):
    """Although the targets of the images that are not mixed are there."""
    request = EvaluationRequest(architectures[0], fidelity, 0)
    plain, mixing = study(), study(mixup=mixup)
    list(plain.precomputation.run([module.resolve(request, plain.context)], computed(plain)))
    wanted = mixing.precomputation.wanted([module.resolve(request, mixing.context)], mixing.teacher.cache)
    assert len(wanted) == (0 if mixup else 1)
    training = module.resolve(request, mixing.context)
    mixing.objectives.warm_up(training)
    assert type(mixing.objectives.objective(training)._term.teacher_targets) is source


def computed(evaluator):
    """Has this process compute the requests."""

    def stream(requests):
        for number, request in requests:
            future = Future()
            future.set_result(evaluator.precomputation.compute(request))
            yield number, future

    return stream


@pytest.mark.parametrize("image_size", [None, 4])
def test_a_training_with_mixup_is_a_function_of_its_request(study, architectures, fidelity, image_size):
    """With a student whose images are smaller than the teacher's, too."""
    fidelity = replace(fidelity, image_size=image_size)
    first, second = (study(mixup=0.4).train(architectures[0], fidelity, 0) for _ in range(2))
    plain = study().train(architectures[0], fidelity, 0)
    weights = [each[0].state_dict() for each in (first, second, plain)]
    assert first[1:] == second[1:]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[0]["classifier.weight"], weights[2]["classifier.weight"])


@pytest.mark.parametrize("name", ["dkd", "crd"])
def test_a_loss_that_cannot_have_mixtures_is_refused_before_training(study, architectures, fidelity, name):
    wanted = replace(fidelity, distillation=name)
    study(losses=[name]).require_possible(architectures[0], [fidelity, wanted])
    mixing = study(losses=[name], mixup=0.2)
    mixing.require_possible(architectures[0], [fidelity])
    with pytest.raises(InvalidValueError, match=rf"mixup is 0.2, but must be 0 with the loss {name}"):
        mixing.require_possible(architectures[0], [fidelity, wanted])
    failed = mixing.evaluate(architectures[0], wanted, 0)
    assert f"must be 0 with the loss {name}" in failed.error


def test_the_averaged_network_is_measured_and_given_back(study, architectures, fidelity, monkeypatch):
    fits = []

    def watched(network, *arguments, **options):
        fits.append((network, fit(network, *arguments, **options)))
        return fits[-1][1]

    monkeypatch.setattr(module, "fit", watched)
    averaging = study(weight_averaging=0.9)
    network, validation, test = averaging.train(architectures[0], fidelity, 0)
    raw, result = fits[0]
    assert network is result.averaged is not raw
    assert not network.training
    measured = averaging.context.measured(averaging.resolve(architectures[0], fidelity, 0).image_size)
    assert [validation, test] == [module.measure_accuracy(network, images) for images in measured]
