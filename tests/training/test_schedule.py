"""Learning rate schedules."""

from __future__ import annotations

import pytest

from mf_nas_kd.images import Draws
from mf_nas_kd.training.schedule import constant_epochs, schedule_of


def hyper_parameters(settings, **changes):
    return settings.hyper_parameters.model_copy(update={"schedule": "constant_then_decay", **changes})


DRAWS = Draws.of(images=100, augmentations=1, batch_size=10, seed=0)


def factors(settings, epochs, **changes):
    factor = schedule_of(hyper_parameters(settings, **changes), DRAWS, epochs)
    return [factor(step) for step in range(DRAWS.steps(epochs))]


def test_a_shorter_training_is_the_start_of_a_longer_one(settings):
    long = factors(settings, 20)
    for epochs in range(2, 20):
        shared = DRAWS.steps(constant_epochs(hyper_parameters(settings), epochs))
        short = factors(settings, epochs)
        assert short[:shared] == long[:shared]
        assert short[shared + 1] < long[shared + 1]


def test_the_rate_rises_stays_and_falls(settings):
    values = factors(settings, 10)
    assert values[:10] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert values[10:81] == [1.0] * 71
    assert values[81] == pytest.approx(1 - (1 / 20) ** 0.5)
    assert values[80:] == sorted(values[80:], reverse=True)
    assert 0 < values[-1] < 0.03


@pytest.mark.parametrize(
    ("epochs", "fraction", "expected"),
    [(1, 0.2, 0), (2, 0.2, 1), (10, 0.2, 8), (12, 0.25, 9), (3, 1.0, 0), (5, 0.01, 4)],
)
def test_the_decay_has_whole_epochs_at_least_one(settings, epochs, fraction, expected):
    assert constant_epochs(hyper_parameters(settings, decay_fraction=fraction), epochs) == expected


def test_a_training_that_decays_from_its_first_step_rises_as_well(settings):
    values = factors(settings, 1)
    assert 0 < values[0] < max(values) < 1
    assert values[-1] < max(values)


def test_a_cosine_cannot_be_paused_and_keeps_its_keys(settings):
    cosine = settings.hyper_parameters
    assert constant_epochs(cosine, 10) == 0
    assert not {"schedule", "decay_fraction"} & cosine.key_payload.keys()
    assert cosine.model_copy(update={"decay_fraction": 0.5}).key_payload == cosine.key_payload
    paused = hyper_parameters(settings).key_payload
    assert (paused["schedule"], paused["decay_fraction"]) == ("constant_then_decay", 0.2)
    assert "warmup_fraction" not in paused
