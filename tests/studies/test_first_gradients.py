"""Losses that outweigh the cross-entropy when a training begins are found before a study begins."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
import yaml
from torch.nn import functional

from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.records import Fidelity
from mf_nas_kd.studies import first_gradients
from mf_nas_kd.studies.first_gradients import LARGEST_FIRST_GRADIENT, first_gradient_ratio
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.teacher import OnlineTargets
from mf_nas_kd.training import TrainingSettings, train_teacher
from tests.conftest import PROJECT, SETTINGS

CONFIGURATIONS = yaml.safe_load((PROJECT / "conf/base/parameters_distillation.yml").read_text())["distillation"]
DISTILLING = [name for name in CONFIGURATIONS if name != "none"]


@pytest.fixture(autouse=True)
def nothing_is_checked_yet(monkeypatch):
    monkeypatch.setattr(first_gradients, "_checked", set())


def evaluator_with(digits, order, teacher, **configurations):
    distillation = {**CONFIGURATIONS, **configurations}
    settings = TrainingSettings.model_validate({**SETTINGS, "distillation": distillation})
    return TrainingEvaluator(digits, order, settings, teacher)


def ratio_of(evaluator, architecture, fidelity):
    training = evaluator.resolve(architecture, fidelity, seed=0)
    return first_gradient_ratio(training, training.target_spec, evaluator.context, evaluator.teacher)


def changed(name, **changes):
    return {**CONFIGURATIONS[name], **changes}


@pytest.mark.parametrize("name", DISTILLING)
def test_the_ratio_is_that_of_two_backward_passes(digits, order, teacher, architectures, short, name):
    """Of every configuration; where gradient norms are matched, of a weight of 3."""
    weight = 3.0 if CONFIGURATIONS[name]["loss_weight"] == "gradient_norm" else CONFIGURATIONS[name]["loss_weight"]
    evaluator = evaluator_with(digits, order, teacher, **{name: changed(name, loss_weight=weight)})
    fidelity = replace(short, distillation=name)
    training = evaluator.resolve(architectures[0], fidelity, 0)
    with torch_seeded(0, "weights"):
        network = evaluator.context.build(architectures[0], 1.0).train()
        loss = evaluator.teacher.loss(training.target_spec, len(training.subset))
    images = evaluator.context.images.train[training.subset.positions]
    batch = evaluator.context.resident(images, training.augmentation).batch(*training.draws.gradient_norm_batch())
    taps, positions = network(batch.images), torch.arange(len(batch.labels))
    targets = OnlineTargets(evaluator.teacher.network, loss)(batch)
    gradients = []
    for value in (
        functional.cross_entropy(taps.logits, batch.labels),
        weight * loss(taps, targets, positions, batch.labels),
    ):
        network.zero_grad(set_to_none=True)
        value.backward(retain_graph=True)
        gradients.append({n: p.grad.double().clone() for n, p in network.named_parameters() if p.grad is not None})
    shared = gradients[0].keys() & gradients[1].keys()
    norms = [torch.cat([of[n].flatten() for n in shared]).norm() for of in gradients]
    assert ratio_of(evaluator, architectures[0], fidelity) == pytest.approx((norms[1] / norms[0]).item(), rel=1e-4)


@pytest.mark.parametrize("name", DISTILLING)
def test_a_configuration_is_warned_about_if_and_only_if_its_ratio_is_large(
    digits, order, teacher, architectures, short, name, caplog
):
    """As configured, and with its weight planted above and below the limit."""
    fidelity, weight = replace(short, distillation=name), CONFIGURATIONS[name]["loss_weight"]
    base = 1.0 if weight == "gradient_norm" else weight
    evaluator = evaluator_with(digits, order, teacher, **{name: changed(name, loss_weight=base)})
    ratio = ratio_of(evaluator, architectures[0], fidelity)
    for factor in (0.9, 1.1):
        planted = changed(name, loss_weight=factor * base * LARGEST_FIRST_GRADIENT / ratio)
        evaluator = evaluator_with(digits, order, teacher, **{name: planted})
        caplog.clear()
        evaluator.require_possible(architectures[0], [fidelity])
        assert (f"Distillation configuration {name}: the first gradient of its loss is 22 times" in caplog.text) == (
            factor > 1
        )
        assert (f"distillation.{name}.loss_weight to gradient_norm" in caplog.text) == (factor > 1)
    caplog.clear()
    evaluator_with(digits, order, teacher).require_possible(architectures[0], [fidelity])
    assert bool(caplog.records) == (weight != "gradient_norm" and ratio > LARGEST_FIRST_GRADIENT)


def test_a_warning_is_made_once_a_process_for_all_fidelities_and_evaluators(
    digits, order, teacher, architectures, short, caplog
):
    bad = {"kd": changed("kd", loss_weight=1e6)}
    fidelities = [replace(short, distillation="kd", epochs=epochs) for epochs in (1, 2)]
    for _ in range(2):
        evaluator_with(digits, order, teacher, **bad).require_possible(architectures[0], fidelities)
    assert len(caplog.records) == 1
    worse = {"kd": changed("kd", loss_weight=1e7)}
    evaluator_with(digits, order, teacher, **worse).require_possible(architectures[0], fidelities)
    assert len(caplog.records) == 2


@pytest.mark.parametrize("ratio", [math.inf, math.nan])
def test_a_ratio_that_is_not_finite_is_warned_about(
    digits, order, teacher, architectures, short, caplog, monkeypatch, ratio
):
    monkeypatch.setattr(first_gradients, "first_gradient_ratio", lambda *_: ratio)
    evaluator_with(digits, order, teacher).require_possible(architectures[0], [replace(short, distillation="kd")])
    assert len(caplog.records) == 1


def test_a_check_leaves_the_results_of_trainings_as_they_are(digits, order, teacher, architectures, short):
    fidelity = replace(short, distillation="crd")
    with torch_seeded(0, "test"):
        before = torch.get_rng_state()
        evaluator = evaluator_with(digits, order, teacher)
        evaluator.require_possible(architectures[0], [fidelity])
        assert torch.equal(torch.get_rng_state(), before)
    others = evaluator_with(digits, order, teacher)
    assert evaluator.train(architectures[0], fidelity, 0)[1:] == others.train(architectures[0], fidelity, 0)[1:]


@pytest.mark.parametrize("name", ["kd_standardised", "dist"])
def test_losses_that_do_not_change_with_the_students_scale_do_not_hinder_a_short_training(
    digits, order, settings, architectures, name
):
    """With the published formulas and weights, half of the accuracy of plain training (0.26 to 0.55, not 0.8)."""
    fields = {"stem": 16, "stages": [16, 32], "blocks": 1}
    expert = train_teacher(digits, "residual", fields, settings.hyper_parameters, 6, 0, "cpu", settings.augmentation)
    evaluator = evaluator_with(digits, order, expert.network)

    def accuracy(distillation):
        fidelity = Fidelity(Fraction(1, 3), 10, 1.0, distillation)
        return sum(evaluator.train(a, fidelity, seed)[1] for a in architectures[:2] for seed in range(2)) / 4

    assert accuracy(name) > 0.85 * accuracy("none")
