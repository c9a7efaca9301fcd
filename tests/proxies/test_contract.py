"""What every proxy has to do, in every space."""

import pickle

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.proxies import AGGREGATED, NEED_TEACHER, PROXIES, ProxyScorer, ProxySettings
from mf_nas_kd.proxies.settings import KNOWN
from mf_nas_kd.records.proxies import PROXY_LABELS
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import build_space
from tests.conftest import CHOICES

OPTIONS = {"batch_size": 8, "gradient_batches": 2, "initialisations": 1, "seed": 0}


def settings(names=tuple(PROXIES), **changes):
    return ProxySettings(use=dict.fromkeys(names, True), **OPTIONS | changes)


@pytest.fixture(scope="module")
def scorer(digits, teacher):
    return ProxyScorer(digits, teacher, settings(), "cpu")


def drawn(space, count=3):
    rng = numpy_generator(1, "proxies")
    return [build_space(space, CHOICES[space]).sample(rng) for _ in range(count)]


def test_every_proxy_has_a_label_for_tables_and_reports():
    assert set(PROXY_LABELS) == set(KNOWN) == {*PROXIES, AGGREGATED}


@pytest.mark.parametrize("space", CHOICES)
def test_equal_inputs_give_equal_values_in_any_process_and_any_company(space, scorer):
    other = pickle.loads(pickle.dumps(scorer))
    for architecture in drawn(space):
        together = scorer.scores(architecture, PROXIES)
        for name in PROXIES:
            value, alone = together[name].value, other.scores(architecture, [name])[name].value
            assert np.array_equal(value, alone, equal_nan=True), name
            assert together[name].seconds >= 0
            assert value != float("inf")
            assert np.isnan(value) == (name == "live_macs" and space != "nas_bench_201"), name


def test_a_proxy_leaves_the_network_as_it_was(scorer, architectures):
    inputs = scorer._inputs(architectures[0], 0, needs_teacher=True)
    before = {name: value.clone() for name, value in inputs.network.state_dict().items()}
    for name, proxy in PROXIES.items():
        proxy(inputs)
        after = inputs.network.state_dict()
        assert all(torch.equal(value, after[key]) and value.dtype == after[key].dtype for key, value in before.items())
        assert all(module.training for module in inputs.network.modules()), name
        assert all(parameter.grad is None for parameter in inputs.network.parameters()), name
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in inputs.network.modules()), name


def test_initialisations_are_averaged(digits, teacher, architectures):
    values = [
        ProxyScorer(digits, teacher, settings(initialisations=n), "cpu")
        .scores(architectures[0], ["naswot"])["naswot"]
        .value
        for n in (1, 2)
    ]
    both = ProxyScorer(digits, teacher, settings(initialisations=2), "cpu")
    second = PROXIES["naswot"](both._inputs(architectures[0], 1, needs_teacher=False))
    assert values[1] == pytest.approx((values[0] + second) / 2)
    assert values[0] != second


def test_a_key_contains_what_determines_the_value_and_nothing_else(digits, teacher, architectures):
    def keys(name, trained=teacher, **changes):
        return ProxyScorer(digits, trained, settings(**changes), "cpu").key(architectures[0], name)

    base = keys("naswot")
    assert base == keys("naswot", names=("naswot",)) == keys("naswot", trained=None, names=("naswot",))
    assert len({base, keys("zico"), keys("naswot", seed=1), keys("naswot", batch_size=9)}) == 4
    (needs,) = NEED_TEACHER
    assert keys(needs) != keys(needs, trained=None)


def test_batches_are_different_training_images(scorer, digits):
    (first, _), (second, labels) = scorer.batches
    assert first.shape == second.shape == (8, 1, 8, 8)
    assert labels.shape == (8,)
    assert len(torch.unique(torch.cat([first, second]).flatten(1), dim=0)) == 16


def test_more_images_than_there_are_are_repeated(digits, teacher):
    few = ProxyScorer(digits, teacher, settings(batch_size=700), "cpu")
    assert [len(labels) for _, labels in few.batches] == [700, 700]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"names": ("naswott",)}, "candidates.proxies.use is 'naswott', but must be one of: .*did you mean naswot"),
        (
            {"names": ("az_nas", "expressivity")},
            "az_nas is True, but must be used only with .*progressivity, trainability is not",
        ),
        ({"batch_size": 1}, "greater than or equal to 2"),
        ({"gradient_batches": 1}, "greater than or equal to 2"),
        ({"initialisations": 0}, "greater than 0"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        settings(**changes)


def test_a_proxy_of_the_teacher_needs_one(digits, architectures):
    with pytest.raises(InvalidValueError, match="run the teacher pipeline first"):
        ProxyScorer(digits, None, settings(), "cpu").scores(architectures[0], ["teacher_similarity"])
