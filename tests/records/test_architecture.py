import json

import pytest
from hypothesis import given

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Architecture
from mf_nas_kd.records.architecture import common_value
from tests.properties import ARCHITECTURES


def test_the_order_of_fields_does_not_matter_and_the_id_is_for_ever():
    architecture = Architecture.of("mobilenet_v2", stem=4, head=16)
    assert architecture == Architecture.of("mobilenet_v2", head=16, stem=4)
    assert architecture.specification == '{"head":16,"stem":4}'
    assert architecture.id == "03f1204bb9f9", "the first 12 digits of SHA-256 of space:specification"


@given(ARCHITECTURES)
def test_an_architecture_survives_a_row_and_its_fields(architecture):
    assert Architecture.from_row(architecture.to_row()) == architecture
    again = Architecture.of(architecture.space, **json.loads(json.dumps(architecture.fields)))
    assert (again, again.id) == (architecture, architecture.id)


@given(ARCHITECTURES, ARCHITECTURES)
def test_equal_ids_are_equal_architectures(first, second):
    assert (first.id == second.id) == (first == second)


def test_what_differs_between_architectures_is_refused():
    assert common_value("stem", [4, 4]) == 4
    for values in ([4, 8], []):
        with pytest.raises(InvalidValueError, match=r"stem of the architectures is \[.*the same for all of them"):
            common_value("stem", values)
