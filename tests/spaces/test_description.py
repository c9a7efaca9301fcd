"""Architectures in words and numbers."""

import pytest

from mf_nas_kd.records import Architecture
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import SPACES, build_space
from mf_nas_kd.spaces.description import architecture_values, architecture_words
from mf_nas_kd.spaces.hand_designed import DESIGNS
from tests.conftest import CHOICES


@pytest.mark.parametrize("name", SPACES)
def test_all_architectures_of_a_space_have_the_same_names_and_differ(name):
    space, rng = build_space(name, CHOICES[name]), numpy_generator(0, "tests")
    found = {each.id: architecture_values(each) for each in (space.sample(rng) for _ in range(30))}
    assert len({tuple(values) for values in found.values()}) == 1
    assert len({str(values) for values in found.values()}) == len(found) > 1


@pytest.mark.parametrize("name", DESIGNS)
def test_reference_networks_are_described_by_their_stages(name):
    architecture = DESIGNS[name].at(1.0, 32)
    values = architecture_values(architecture)
    assert values["stage_1.channels"] == int(values["channels"].split("-")[0])
    assert values["total_depth"] == sum(int(depth) for depth in values["depth"].split("-"))
    assert architecture_words(architecture).startswith(values["channels"])


def test_a_cell_is_described_by_its_operations():
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
    architecture = Architecture.of("nas_bench_201", stem=4, cells_per_stage=2, cell=cell)
    values = architecture_values(architecture)
    assert (values["edge_0_1"], values["edge_1_2"], values["edge_2_3"]) == ("3x3", "identity", "1x1")
    assert values["total_depth"] == 6
    assert architecture_words(architecture) == "cell 3x3-none-identity-pooling-none-1x1"


def test_an_unknown_builder_is_described_by_its_fields():
    architecture = Architecture.of("s", a=1)
    assert architecture_values(architecture) == {"a": 1}
    assert architecture_words(architecture) == f"s {architecture.id}"
