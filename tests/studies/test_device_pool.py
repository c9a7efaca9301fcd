"""Candidates of a search whose costs on a device are limited: all are measured, and none is above a limit."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.records import Costs, DeviceCosts
from mf_nas_kd.records.tables import candidate_table, records_of
from mf_nas_kd.spaces import Limits, build_space
from mf_nas_kd.studies.study_search import search_pool

STAGE = {"channels": list(range(4, 40, 4)), "blocks": [1, 2, 3]}


def cost_of(architecture):
    """About what a network has, without building it."""
    (first, few), (second, more) = architecture.fields["stages"]
    macs = 1000 + 20 * few * first**2 + 5 * more * second**2 + first * second + architecture.fields["head"] * second
    return Costs(macs, macs // 4)


@pytest.fixture(scope="module")
def large_space():
    return build_space("shufflenet_v2", {"stem": [4], "stem_stride": 1, "stages": [STAGE, STAGE], "head": [16, 32]})


def costs(architecture, counted: Costs):
    """Latency in proportion to a power of the multiply-accumulates, and something else that they do not tell."""
    other = 1 + int(architecture.id, 16) % 10 / 100
    latency = other * counted.macs**0.7 / 1000
    return DeviceCosts(
        architecture=architecture,
        image_shape=(1, 8, 8),
        classes=10,
        precision="float32",
        device_name="a device",
        runtime="onnxruntime 0",
        threads=1,
        latency_ms=latency,
        latency_low_ms=latency / 1.1,
        latency_high_ms=latency * 1.1,
        activation_kib=counted.macs / 1e3,
        model_kib=counted.params / 256,
        code_version="0",
        measured_at="2026-01-01T00:00:00+00:00",
    )


@dataclass
class FakeDevice:
    device: str = "this"
    known: dict = field(default_factory=dict)
    measured: list = field(default_factory=list)

    def __call__(self, architectures):
        new = {each.id: costs(each, cost_of(each)) for each in architectures if each.id not in self.known}
        self.measured += new
        self.known |= new if self.device == "this" else {}
        return {each.id: self.known[each.id] for each in architectures if each.id in self.known}


def pool_of(space, limits, device, count=30, studied=()):
    candidates = candidate_table(studied, cost_of)
    return search_pool(candidates, space, count, limits, cost_of, np.random.default_rng(0), device)


@pytest.mark.parametrize("limits", [Limits.of(max_latency_ms=0.9), Limits.of(max_model_kib=20, max_macs=30_000)])
def test_all_candidates_are_measured_and_the_upper_end_of_the_spread_is_within_the_limit(large_space, limits):
    device = FakeDevice()
    pool = pool_of(large_space, limits, device)
    assert len(pool) == 30
    assert set(pool["architecture_id"]) <= set(device.measured)
    for counted, name in zip(records_of(pool, Costs), pool["architecture_id"], strict=True):
        assert limits.allow(device.known[name].with_counted(counted))
    assert len(device.measured) < 3 * len(pool)


def test_without_limits_on_the_device_nothing_is_measured(large_space):
    device = FakeDevice()
    pool_of(large_space, Limits.of(max_macs=60_000), device)
    assert device.measured == []


def test_a_cost_on_the_device_that_stands_against_accuracy_is_measured_of_all(large_space):
    """Also where it is not limited."""
    device = FakeDevice()
    pool = search_pool(
        candidate_table((), cost_of),
        large_space,
        60,
        Limits.of(max_macs=60_000),
        cost_of,
        np.random.default_rng(0),
        device,
        "activation_kib",
    )
    assert len(pool) == 60
    assert pool["activation_kib"].notna().all()
    assert (pool["macs"] <= 60_000).all()


def test_an_impossible_limit_names_the_fastest(large_space):
    device = FakeDevice()
    with pytest.raises(
        ImpossibleLimitError, match=r"latency_ms <= 0\.001: the smallest of \d+ has latency_ms = "
    ) as error:
        pool_of(large_space, Limits.of(max_latency_ms=0.001), device)
    fastest = min(each.latency_high_ms for each in device.known.values())
    assert f"latency_ms = {fastest:.4g}" in str(error.value)
    smallest = large_space.sample(np.random.default_rng(0))
    while cheaper := [each for each in large_space.neighbours(smallest) if cost_of(each).macs < cost_of(smallest).macs]:
        smallest = cheaper[0]
    assert math.isclose(fastest, costs(smallest, cost_of(smallest)).latency_high_ms, rel_tol=0.2)


def test_of_another_device_only_what_was_measured_there_is_a_candidate(large_space):
    rng = np.random.default_rng(3)
    there = {each.id: costs(each, cost_of(each)) for each in (large_space.sample(rng) for _ in range(20))}
    device = FakeDevice("a telephone", there)
    pool = pool_of(large_space, Limits.of(max_latency_ms=1.5), device, studied=[large_space.sample(rng)])
    assert 0 < len(pool) < 20
    assert set(pool["architecture_id"]) <= set(there)
    with pytest.raises(ImpossibleLimitError, match="none was measured on this device"):
        pool_of(large_space, Limits.of(max_latency_ms=1.5), FakeDevice("a watch"))
