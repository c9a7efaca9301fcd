"""Every space keeps what the protocol promises."""

import numpy as np
import pytest

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks import STUDENTS, CostCounter
from mf_nas_kd.spaces import SPACES, Architecture, build_space
from tests.conftest import CHOICES


@pytest.fixture(params=SPACES)
def space(request):
    return build_space(request.param, CHOICES[request.param])


@pytest.fixture
def samples(space):
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(30)]


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


def test_neighbours_connect_the_space(space, samples):
    reached, frontier = {samples[0]}, [samples[0]]
    while frontier:
        fresh = {n for architecture in frontier for n in space.neighbours(architecture)} - reached
        reached |= fresh
        frontier = list(fresh)
    assert set(samples) <= reached


def test_going_down_ends_at_one_smallest_architecture(space, samples):
    cost_of = CostCounter(classes=10, image_shape=(1, 8, 8))
    ends = set()
    for architecture in samples[:5]:
        while cheaper := [n for n in space.neighbours(architecture) if cost_of(n).macs < cost_of(architecture).macs]:
            architecture = cheaper[0]
        ends.add(architecture)
    assert len(ends) == 1


def test_features_have_one_length_are_finite_and_tell_architectures_apart(space, samples):
    features = {architecture: space.encode(architecture) for architecture in samples}
    assert len({len(f) for f in features.values()}) == 1
    assert np.isfinite(list(features.values())).all()
    assert len(set(features.values())) == len(features)


def test_every_architecture_has_a_builder(space):
    assert space.name in STUDENTS


def test_a_foreign_architecture_is_refused(space):
    foreign = Architecture.of("elsewhere", anything=1)
    for method in (space.neighbours, space.encode):
        with pytest.raises(InvalidValueError, match="must be one of the space"):
            method(foreign)
