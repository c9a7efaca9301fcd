import math

import pytest
from pydantic import ValidationError

from mf_nas_kd.errors import UnknownNameError
from mf_nas_kd.spaces import Architecture, build_space
from tests.conftest import CHOICES


def test_encoding_is_logarithms_of_what_varies(space):
    architecture = Architecture.of("mobilenet_v2", stem=4, stages=[[2, 6, 1, 2], [2, 12, 1, 2]], head=32)
    assert space.encode(architecture) == pytest.approx([math.log(v) for v in (2, 6, 1, 12, 32)])


def test_neighbours_differ_by_one_step(space):
    architecture = Architecture.of("mobilenet_v2", stem=4, stages=[[2, 6, 1, 2], [2, 8, 1, 2]], head=32)
    found = {n.specification for n in space.neighbours(architecture)}
    expected = [
        ([[1, 6, 1, 2], [2, 8, 1, 2]], 32),
        ([[2, 4, 1, 2], [2, 8, 1, 2]], 32),
        ([[2, 6, 2, 2], [2, 8, 1, 2]], 32),
        ([[2, 6, 1, 2], [2, 6, 1, 2]], 32),
        ([[2, 6, 1, 2], [2, 12, 1, 2]], 32),
        ([[2, 6, 1, 2], [2, 8, 1, 2]], 16),
    ]
    assert found == {Architecture.of("mobilenet_v2", stem=4, stages=s, head=h).specification for s, h in expected}


def test_an_unknown_space_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"space.name is 'mobilenet'.*mobilenet_v2"):
        build_space("mobilenet", {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head": [32, 16]}, "ascending"),
        ({"head": []}, "at least 1 item"),
        ({"width": [1]}, "Extra inputs are not permitted"),
        ({"stages": []}, "at least 1 item"),
    ],
)
def test_wrong_choices_are_refused(change, message):
    with pytest.raises((ValidationError, ValueError), match=message):
        build_space("mobilenet_v2", {**CHOICES["mobilenet_v2"], **change})


def test_an_architecture_id_is_stable_for_ever():
    assert Architecture.of("mobilenet_v2", stem=4, stages=[[1, 4, 1, 2]], head=16).id == "1c35698ae84f"
