import itertools

import numpy as np
import pytest

from mf_nas_kd.networks import CostCounter
from mf_nas_kd.records import Costs
from mf_nas_kd.spaces import Limits, build_space, sample_within


@pytest.fixture(scope="module")
def cost_of():
    return CostCounter(classes=10, image_shape=(1, 8, 8))


@pytest.mark.parametrize("limits", [Limits.of(), Limits.of(max_macs=12_000), Limits.of(max_params=1_000)])
def test_all_samples_are_within_the_limits_and_different(space, cost_of, limits):
    found = sample_within(space, 8, limits, cost_of, np.random.default_rng(0))
    assert len({architecture.id for architecture in found}) == len(found) == 8
    assert all(limits.allow(cost_of(architecture)) for architecture in found)


def test_a_limit_that_only_the_smallest_meets_is_met(space, cost_of):
    everything = sample_within(
        space, 1000, Limits.of(), cost_of, np.random.default_rng(0), attempts_per_architecture=200
    )
    smallest = min(everything, key=lambda architecture: cost_of(architecture).macs)
    limits = Limits.of(max_macs=cost_of(smallest).macs)
    assert sample_within(space, 5, limits, cost_of, np.random.default_rng(1)) == (smallest,)


@pytest.mark.parametrize("max_macs", [None, 900])
def test_where_as_many_are_wanted_as_there_are_all_within_the_limits_are_returned(max_macs):
    space = build_space("nas_bench_201", {"stem": 4, "cells_per_stage": 1, "operations": ["none", "skip_connect"]})
    limits = Limits.of(max_macs=max_macs)
    everything = {"|".join(edges) for edges in itertools.product(["none", "skip_connect"], repeat=6)}

    def cost_of(architecture):
        return Costs(macs=850 + 20 * architecture.specification.count("skip_connect"), params=1)

    found = sample_within(space, space.size, limits, cost_of, np.random.default_rng(0))
    within = [cell for cell in everything if max_macs is None or 850 + 20 * cell.count("skip_connect") <= max_macs]
    assert len(found) == len(set(found)) == len(within) > 1
