"""Weights of the classes: against scikit-learn, torch and plain loops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from mf_nas_kd.errors import UnknownNameError
from mf_nas_kd.images import Batch, Mixture
from mf_nas_kd.taps import Taps
from mf_nas_kd.training import Objective, fit
from mf_nas_kd.training.class_weights import BETA, CLASS_WEIGHTS, class_weights
from tests.training.test_objective import objective_of

LOGITS = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))

LABELS = torch.tensor([0] * 50 + [1] * 10 + [3] * 2)
"""Of four classes, of which one has no image."""
WEIGHED = [name for name in CLASS_WEIGHTS if name != "none"]


def weighted(smoothing, weights, logits, labels, mixture=None):
    nothing = torch.empty(len(labels), 0)
    batch = Batch(nothing, labels, labels, labels, nothing, mixture)
    return Objective(smoothing, class_weights=weights)(Taps(logits, logits, ()), batch)


def test_balanced_weights_are_those_of_scikit_learn():
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=LABELS.numpy())
    np.testing.assert_allclose(class_weights("balanced", LABELS, 4)[[0, 1, 3]], expected, rtol=1e-6)


def test_effective_numbers_are_sums_of_powers():
    """``E_n = 1 + b + ... + b^(n - 1)``, by a loop."""
    numbers = np.array([sum(BETA**power for power in range(n)) for n in (50, 10, 2)])
    expected = 3 / numbers / (1 / numbers).sum()
    np.testing.assert_allclose(class_weights("effective_number", LABELS, 4)[[0, 1, 3]], expected, rtol=1e-5)


@pytest.mark.parametrize("name", WEIGHED)
def test_rare_classes_weigh_more_and_absent_ones_nothing(name):
    weights = class_weights(name, LABELS, 4)
    assert weights[0] < weights[1] < weights[3]
    assert weights[2] == 0


def test_no_weights_leave_the_mean_as_it_is():
    assert class_weights("none", LABELS, 4) is None
    with pytest.raises(UnknownNameError, match="class_weights"):
        class_weights("inverse", LABELS, 4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", WEIGHED)
def test_the_cross_entropy_is_that_of_torch(name, smoothing):
    logits, labels, weights = LOGITS, torch.tensor([0, 0, 0, 0, 1, 1, 3, 0]), class_weights(name, LABELS, 4)
    expected = functional.cross_entropy(logits, labels, weight=weights, label_smoothing=smoothing)
    torch.testing.assert_close(weighted(smoothing, weights, logits, labels), expected)
    assert not torch.isclose(expected, functional.cross_entropy(logits, labels, label_smoothing=smoothing))


@given(share=st.floats(0, 1, width=32), seed=st.integers(0, 100))
def test_of_mixed_images_losses_and_weights_are_mixed(share, seed):
    """``sum p w l / sum p w`` over both labels of each image, by hand."""
    generator = torch.Generator().manual_seed(seed)
    logits, weights = torch.randn(6, 4, generator=generator), torch.tensor([0.5, 2.0, 1.0, 7.0])
    labels, others = (torch.randint(4, (6,), generator=generator) for _ in range(2))
    losses, sums = 0.0, 0.0
    for row, first, second in zip(logits.log_softmax(dim=1), labels, others, strict=True):
        for label, part in ((first, share), (second, 1 - share)):
            losses, sums = losses - part * weights[label] * row[label], sums + part * weights[label]
    found = weighted(0.0, weights, logits, labels, Mixture(torch.full((6,), share), others))
    torch.testing.assert_close(found, losses / sums, rtol=1e-4, atol=1e-5)


def test_equal_weights_change_nothing():
    logits, labels = LOGITS, torch.tensor([0, 0, 2, 0, 1, 1, 3, 0])
    for mixture in (None, Mixture(torch.full((8,), 0.3), labels.flip(0))):
        ours, plain = (weighted(0.1, weights, logits, labels, mixture) for weights in (torch.full((4,), 3.0), None))
        torch.testing.assert_close(ours, plain)


def test_the_distillation_term_is_not_weighted(network, teacher, digits, resident):
    batch = resident.batch(torch.arange(16), torch.zeros(16, dtype=torch.int64))
    objective = objective_of(network, teacher, digits)
    taps = network(batch.images)
    plain, cross_entropy = objective(taps, batch), functional.cross_entropy(taps.logits, batch.labels)
    objective.class_weights = torch.linspace(0.1, 5, 10)
    changed = functional.cross_entropy(taps.logits, batch.labels, objective.class_weights)
    torch.testing.assert_close(objective(taps, batch) - plain, 0.5 * (changed - cross_entropy), rtol=1e-4, atol=1e-5)


def test_weights_are_no_parameters_and_not_saved(network, resident, settings):
    objective = Objective(0.0, class_weights=torch.ones(10))
    assert not list(objective.parameters())
    assert not objective.state_dict()
    assert fit(network, resident, objective, settings.hyper_parameters, 1, 0).steps > 0
