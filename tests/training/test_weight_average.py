"""The moving average of the weights."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.images import Identity, ResidentImages
from mf_nas_kd.networks import rebuild
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.training import Objective, fit, measure_accuracy, train_teacher
from mf_nas_kd.training import engine as engine_module
from mf_nas_kd.training.weight_average import WeightAverage

RAMP = (0.1, 2 / 11, 3 / 12, 4 / 13)


def line(*weights):
    with torch_seeded(0, "test"):
        layer = nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([weights]))
    return layer


@pytest.fixture
def averaging(settings):
    return settings.hyper_parameters.model_copy(update={"weight_averaging": 0.8})


@given(
    decay=st.floats(0.01, 0.999),
    steps=st.lists(st.lists(st.floats(-5, 5, width=32), min_size=3, max_size=3), min_size=1, max_size=20),
)
def test_it_is_the_formula(decay, steps):
    network = line(1.0, -2.0, 0.5)
    average, expected = WeightAverage(network, decay), [1.0, -2.0, 0.5]
    for t, weights in enumerate(steps):
        with torch.no_grad():
            network.weight.copy_(torch.tensor([weights]))
        average.update()
        d = min(decay, (1 + t) / (10 + t))
        expected = [d * old + (1 - d) * new for old, new in zip(expected, weights, strict=True)]
    assert average.network().weight.flatten().tolist() == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert network.weight.flatten().tolist() == steps[-1], "the trained network is only read"


def test_the_decay_begins_small():
    """The weight of the initial weights after each step, by hand."""
    network, left = line(1.0), 1.0
    average = WeightAverage(network, decay=0.25)
    nn.init.zeros_(network.weight)
    for decay in (*RAMP[:3], 0.25):
        average.update()
        left *= decay
        assert average.network().weight.item() == pytest.approx(left, rel=1e-5)


@given(decay=st.floats(0.01, 0.9999), weight=st.floats(-1e6, 1e6, width=32), steps=st.integers(1, 30))
def test_constant_weights_are_a_fixed_point(decay, weight, steps):
    average = WeightAverage(line(weight), decay)
    for _ in range(steps):
        average.update()
    assert average.network().weight.item() == weight


def test_a_training_averages_the_weights_after_every_step(network, resident, averaging):
    """Against the formula, over the weights as an observer sees them."""
    expected = [parameter.detach().clone() for parameter in network.parameters()]
    steps = 0

    def observe(_progress):
        nonlocal steps
        d = min(0.8, (1 + steps) / (10 + steps))
        for old, new in zip(expected, network.parameters(), strict=True):
            old.mul_(d).add_(new.detach(), alpha=1 - d)
        steps += 1

    result = fit(network, resident, Objective(0.0), averaging, 3, 0, after_step=observe)
    assert steps == result.steps > 10
    for ours, theirs, raw in zip(result.averaged.parameters(), expected, network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
        assert not torch.equal(ours, raw)


def test_the_trained_network_is_the_same_with_and_without(network, resident, settings, averaging):
    plain, beside = copy.deepcopy(network), copy.deepcopy(network)
    first = fit(plain, resident, Objective(0.0), settings.hyper_parameters, 2, 0)
    second = fit(beside, resident, Objective(0.0), averaging, 2, 0)
    assert first.averaged is None
    assert first.delivered(plain) is plain
    assert second.delivered(beside) is second.averaged is not beside
    assert first.epoch_losses == second.epoch_losses
    for name, weights in plain.state_dict().items():
        assert torch.equal(weights, beside.state_dict()[name]), name


def test_the_same_seed_gives_the_same_average(network, resident, averaging):
    first, second, other = (
        fit(copy.deepcopy(network), resident, Objective(0.0), averaging, 2, seed).averaged.state_dict()
        for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_its_normalisation_is_that_of_the_averaged_weights(network, resident, averaging):
    """Of both networks: the statistics of the first layer, over one more epoch's images."""
    result = fit(network, resident, Objective(0.0), averaging, 2, 0)
    for finished in (network, result.averaged):
        assert finished.training
        seen = []
        hook = finished.blocks[0][0].register_forward_hook(lambda _, __, output, seen=seen: seen.append(output))
        with torch.no_grad():
            for row in range(9):
                finished.eval()(resident.batch(torch.arange(70), torch.full((70,), row)).images)
        hook.remove()
        mean, spread = torch.cat(seen).mean(dim=(0, 2, 3)), torch.cat(seen).std(dim=(0, 2, 3))
        assert ((finished.blocks[0][1].running_mean - mean).abs() < 0.15 * spread).all()
    assert not torch.equal(network.blocks[0][1].running_mean, result.averaged.blocks[0][1].running_mean)


def test_an_average_that_is_not_finite_is_a_failed_training(network, resident, averaging, monkeypatch):
    class Infinite(WeightAverage):
        def network(self):
            averaged = super().network()
            nn.init.constant_(averaged.classifier.bias, math.inf)
            return averaged

    monkeypatch.setattr(engine_module, "WeightAverage", Infinite)
    with pytest.raises(TrainingFailedError, match="not finite after the last step"):
        fit(network, resident, Objective(0.0), averaging, 1, 0)


def test_the_teacher_is_the_averaged_network(digits, settings, averaging):
    def train(hyper_parameters):
        fields = {"stem": 4, "stages": [4], "blocks": 1}
        return train_teacher(digits, "residual", fields, hyper_parameters, 1, 0, "cpu", settings.augmentation)

    plain, averaged = train(settings.hyper_parameters), train(averaging)
    assert plain.epoch_losses == averaged.epoch_losses
    assert plain.network.fingerprint != averaged.network.fingerprint
    validation = ResidentImages(digits.validation, Identity(), digits.pixel_statistics, torch.device("cpu"))
    assert averaged.val_accuracies[-1] == measure_accuracy(rebuild(averaged.network), validation)
