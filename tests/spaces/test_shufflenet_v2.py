import math

import pytest
from pydantic import ValidationError

from mf_nas_kd.spaces import Architecture, build_space
from tests.conftest import CHOICES


@pytest.fixture
def space():
    return build_space("shufflenet_v2", CHOICES["shufflenet_v2"])


def test_size_is_the_product_of_the_choices(space):
    assert space.size == (2 * 2) * (3 * 1) * 2


def test_encoding_is_logarithms_of_what_varies(space):
    architecture = Architecture.of("shufflenet_v2", stem=4, stages=[[6, 2], [12, 1]], head=32)
    assert space.encode(architecture) == pytest.approx([math.log(value) for value in (6, 2, 12, 32)])


def test_neighbours_differ_by_one_step(space):
    architecture = Architecture.of("shufflenet_v2", stem=4, stages=[[6, 2], [8, 1]], head=32)
    found = {n.specification for n in space.neighbours(architecture)}
    expected = [
        ([[4, 2], [8, 1]], 32),
        ([[6, 1], [8, 1]], 32),
        ([[6, 2], [6, 1]], 32),
        ([[6, 2], [12, 1]], 32),
        ([[6, 2], [8, 1]], 16),
    ]
    assert found == {Architecture.of("shufflenet_v2", stem=4, stages=s, head=h).specification for s, h in expected}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": [{"channels": [4, 7], "blocks": [1]}]}, r"channels of a stage is \[4, 7\], but must be even"),
        ({"stages": [{"channels": [6, 4], "blocks": [1]}]}, "ascending"),
        ({"stages": [{"channels": [4], "blocks": [0]}]}, "greater than 0"),
        ({"stages": []}, "at least 1 item"),
        ({"stem": []}, "at least 1 item"),
    ],
)
def test_wrong_choices_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        build_space("shufflenet_v2", {**CHOICES["shufflenet_v2"], **change})
