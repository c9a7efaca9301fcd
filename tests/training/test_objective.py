"""How the terms of the loss are weighed."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from mf_nas_kd.distillation import LOSSES, build_loss, published_options
from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.networks import build_network, rebuild
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.records import Architecture
from mf_nas_kd.spaces.nas_bench_201 import cell_of_operations
from mf_nas_kd.taps import TapShapes
from mf_nas_kd.teacher import OnlineTargets
from mf_nas_kd.training import DistillationConfiguration, DistillationTerm, Objective, fit

CPU = torch.device("cpu")
CONFIGURATION = {"cross_entropy_weight": 0.5, "loss_weight": 2.0, "loss_warmup_fraction": 0.0}


@pytest.fixture
def batch(resident):
    return resident.batch(torch.arange(16), torch.zeros(16, dtype=torch.int64))


def objective_of(network, teacher, digits, loss="kd", ratio=10.0, **changes):
    other = rebuild(teacher)
    student_shapes, teacher_shapes = (
        TapShapes.of(forward_empty_batch(n, digits.image_shape)) for n in (network, other)
    )
    with torch_seeded(0, "test"):
        built = build_loss(loss, student=student_shapes, teacher=teacher_shapes, num_images=64)
    configuration = DistillationConfiguration.model_validate(
        {**CONFIGURATION, "loss": loss, "options": published_options(loss), **changes}
    )
    return Objective(0.0, DistillationTerm(configuration, built, OnlineTargets(other, built), ratio))


def test_terms_are_weighed(network, teacher, digits, batch):
    objective = objective_of(network, teacher, digits)
    taps = network(batch.images)
    cross_entropy = functional.cross_entropy(taps.logits, batch.labels)
    targets = objective.loss.teacher_targets(rebuild(teacher)(batch.images)).half()
    expected = 0.5 * cross_entropy + 2.0 * objective.loss(taps, targets, batch.positions)
    torch.testing.assert_close(objective(taps, batch), expected)


def test_the_weight_of_the_loss_rises_linearly(network, teacher, digits, batch):
    objective = objective_of(network, teacher, digits, loss_warmup_fraction=0.5)
    taps = network(batch.images)
    plain = 0.5 * functional.cross_entropy(taps.logits, batch.labels)
    added = [(objective(taps, batch, progress) - plain).item() for progress in (0.1, 0.25, 0.5, 0.75, 1.0)]
    assert added == pytest.approx([0.2 * added[-1], 0.5 * added[-1], *[added[-1]] * 3], rel=1e-5)


def test_dkd_is_told_the_classes(network, teacher, digits, batch):
    objective = objective_of(network, teacher, digits, loss="dkd")
    taps = network(batch.images)
    value = objective(taps, batch)
    others = replace(batch, labels=(batch.labels + 1) % 10)
    difference = functional.cross_entropy(taps.logits, others.labels) - functional.cross_entropy(
        taps.logits, batch.labels
    )
    assert not torch.isclose(objective(taps, others) - value, 0.5 * difference, rtol=0.01)


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "none"])
def test_matched_gradient_norms_have_the_wanted_ratio(loss, network, teacher, digits, batch):
    """Every loss; gradients of both terms compared here through whole backward passes."""
    objective = objective_of(network, teacher, digits, loss=loss, loss_weight="gradient_norm", ratio=3.0)
    assert objective.needs_gradient_norm_matching
    objective.match_gradient_norm(network, batch)
    assert not objective.needs_gradient_norm_matching

    def gradients(value):
        network.zero_grad(set_to_none=True)
        value.backward()
        return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}

    if loss == "crd":
        objective.loss._last_features = None  # its memory would move, and the second value be another one
    of_cross_entropy = gradients(functional.cross_entropy(network(batch.images).logits, batch.labels))
    targets = objective.loss.teacher_targets(rebuild(teacher)(batch.images))
    loss_value = objective.loss(network(batch.images), targets.detach(), batch.positions, batch.labels)
    of_loss = gradients(objective.loss_weight * loss_value)
    shared = [(of_cross_entropy[name].flatten(), of_loss[name].flatten()) for name in of_loss]
    lengths = [torch.cat(side).norm() for side in zip(*shared, strict=True)]
    assert (lengths[1] / lengths[0]).item() == pytest.approx(3.0, rel=1e-3)


def test_gradient_norms_that_cannot_be_matched_are_a_failed_training(network, teacher, digits, batch):
    objective = objective_of(network, teacher, digits, loss="none", loss_weight="gradient_norm")
    with pytest.raises(TrainingFailedError, match="gradient norms cannot be matched for none"):
        objective.match_gradient_norm(network, batch)


def test_a_training_matches_gradient_norms_at_its_start_and_the_same_seed_gives_the_same_weight(
    architectures, teacher, digits, resident, settings
):
    def weight(seed):
        with torch_seeded(0, "test"):
            network = build_network(architectures[0], 10, 1)
        objective = objective_of(network, teacher, digits, loss="nst", loss_weight="gradient_norm")
        return fit(network, resident, objective, settings.hyper_parameters, 1, seed).loss_weight

    assert weight(0) == weight(0) != weight(1)
    assert weight(0) > 0


def test_a_network_without_a_path_from_images_to_output_is_trained_like_any(teacher, digits, resident, settings):
    cell = cell_of_operations(["none"] * 6)
    with torch_seeded(0, "test"):
        network = build_network(Architecture.of("nas_bench_201", cell=cell, stem=4, cells_per_stage=1), 10, 1)
    objective = objective_of(network, teacher, digits, loss="attention", loss_weight="gradient_norm")
    assert fit(network, resident, objective, settings.hyper_parameters, 1, 0).loss_weight == 0.0
