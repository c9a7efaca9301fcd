"""Every space fulfils the obligations of the protocol."""

import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.errors import ImpossibleLimitError, InvalidValueError
from mf_nas_kd.networks import STUDENTS, CostCounter, build_network
from mf_nas_kd.spaces import SPACES, Architecture, Limits, build_space, enclosing_space, sample_within
from tests.conftest import CHOICES

WITH_STRIDES = [("mobilenet_v2", 2), ("shufflenet_v2", 2), ("shufflenet_v2", 4)]


@pytest.fixture(params=[*((name, None) for name in SPACES), *WITH_STRIDES], ids=str)
def space(request):
    name, stem_stride = request.param
    return build_space(name, CHOICES[name] | ({} if stem_stride is None else {"stem_stride": stem_stride}))


@pytest.fixture
def samples(space):
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(30)]


@pytest.fixture(scope="module")
def cost_of():
    return CostCounter(classes=10, image_shape=(1, 8, 8))


def test_the_same_generator_gives_the_same_sample(space):
    assert space.sample(np.random.default_rng(5)) == space.sample(np.random.default_rng(5))


def test_samples_vary_and_belong_to_the_space(space, samples):
    assert len({architecture.id for architecture in samples}) > 5
    assert all(architecture.space == space.name for architecture in samples)


def test_neighbourhood_is_symmetric_and_irreflexive(space, samples):
    for architecture in samples[:5]:
        neighbours = space.neighbours(architecture)
        assert neighbours
        assert architecture not in neighbours
        assert all(architecture in space.neighbours(neighbour) for neighbour in neighbours)


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 2**32))
def test_every_architecture_is_a_neighbour_of_its_neighbours(name, seed):
    space = build_space(name, CHOICES[name])
    architecture = space.sample(np.random.default_rng(seed))
    neighbours = space.neighbours(architecture)
    assert len(set(neighbours) - {architecture}) == len(neighbours) > 0
    assert all(architecture in space.neighbours(neighbour) for neighbour in neighbours)


def test_neighbours_lead_to_every_architecture_and_to_no_other(space, samples):
    reached, frontier = {samples[0]}, [samples[0]]
    while frontier:
        fresh = {n for architecture in frontier for n in space.neighbours(architecture)} - reached
        reached |= fresh
        frontier = list(fresh)
    assert set(samples) <= reached
    assert len(reached) == space.size


@pytest.fixture
def bottom(space, samples, cost_of):
    """Where going down from some samples ends."""
    ends = set()
    for architecture in samples[:5]:
        while cheaper := [n for n in space.neighbours(architecture) if cheaper_in_both(cost_of, n, architecture)]:
            architecture = cheaper[0]
        ends.add(architecture)
    return ends


def cheaper_in_both(cost_of, one, other):
    return cost_of(one).macs < cost_of(other).macs and cost_of(one).params < cost_of(other).params


def test_going_down_ends_at_the_lowest_cost(bottom, samples, cost_of):
    costs = {cost_of(architecture) for architecture in bottom}
    assert len(costs) == 1
    (lowest,) = costs
    assert all(lowest.macs <= cost_of(a).macs and lowest.params <= cost_of(a).params for a in samples)


def test_the_tightest_possible_limits_are_met(space, bottom, cost_of):
    lowest = cost_of(next(iter(bottom)))
    limits = Limits.of(max_macs=lowest.macs, max_params=lowest.params)
    found = sample_within(space, 3, limits, cost_of, np.random.default_rng(1))
    assert found
    assert {cost_of(architecture) for architecture in found} == {lowest}


def test_samples_within_limits_are_different_and_within(space, samples, cost_of):
    limits = Limits.of(max_macs=int(np.median([cost_of(architecture).macs for architecture in samples])))
    found = sample_within(space, 8, limits, cost_of, np.random.default_rng(0))
    assert len(set(found)) == len(found) == 8
    assert all(limits.allow(cost_of(architecture)) for architecture in found)


def test_an_impossible_limit_is_one_clear_error(space, cost_of):
    message = rf"no architecture of the space '{space.name}' has macs <= 10: the smallest one has macs = [\d,]+"
    with pytest.raises(ImpossibleLimitError, match=message):
        sample_within(space, 1, Limits.of(max_macs=10), cost_of, np.random.default_rng(0))


def test_features_are_finite_and_of_one_length(space, samples):
    features = [space.encode(architecture) for architecture in samples]
    assert len({len(f) for f in features}) == 1
    assert np.isfinite(features).all()


def test_only_architectures_that_compute_the_same_have_equal_features(space):
    rng = np.random.default_rng(1)
    by_features = {}
    for architecture in {space.sample(rng) for _ in range(60)}:
        by_features.setdefault(space.encode(architecture), []).append(architecture)
    outputs = {features: [output(a) for a in same] for features, same in by_features.items()}
    for first, *others in outputs.values():
        assert all(torch.equal(first, other) for other in others)
    assert len({tuple(first.flatten().tolist()) for first, *_ in outputs.values()}) > 5, "outputs tell them apart"


@torch.no_grad()
def output(architecture):
    """Logits of two noise images, with weights that depend on their names and shapes alone, and without biases."""
    with torch.random.fork_rng(devices=[]):
        network = build_network(architecture, classes=10, image_channels=1).eval()
    for name, parameter in network.named_parameters():
        parameter.zero_() if name.endswith("bias") else parameter.normal_(
            generator=torch.Generator().manual_seed(zlib.crc32(name.encode()))
        )
    images = torch.randn((2, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    return network(images).logits


def test_every_architecture_has_a_builder(space):
    assert space.name in STUDENTS


def test_a_foreign_architecture_is_refused(space):
    foreign = Architecture.of("elsewhere", anything=1)
    for method in (space.neighbours, space.encode):
        with pytest.raises(InvalidValueError, match="must be one of the space"):
            method(foreign)


def test_the_enclosing_space_holds_its_architectures(space, samples):
    few = samples[:4]
    enclosing = enclosing_space(few)
    assert type(enclosing) is type(space)
    assert [len(enclosing.encode(architecture)) for architecture in few], "a foreign one would be refused"
    assert enclosing.size <= space.size


def test_the_space_around_all_architectures_is_the_space(space, samples):
    everything = list({neighbour for sample in samples for neighbour in (sample, *space.neighbours(sample))})
    enclosing = enclosing_space(everything)
    assert enclosing.size == space.size
    assert [enclosing.encode(a) for a in everything] == [space.encode(a) for a in everything]
