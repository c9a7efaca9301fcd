import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.seeding import canonical_json, derive_seed, fingerprint, numpy_generator
from tests.properties import JSON


def test_purposes_give_independent_streams():
    assert derive_seed(0, "views", 1) == derive_seed(0, "views", 1)
    assert len({derive_seed(0, "views"), derive_seed(1, "views"), derive_seed(0, "batches")}) == 3
    assert 0 <= derive_seed(7, "x") < 2**63
    np.testing.assert_array_equal(numpy_generator(3, "a").random(4), numpy_generator(3, "a").random(4))


def test_equal_values_have_equal_texts():
    assert canonical_json({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'
    assert fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_fingerprints_are_those_of_every_earlier_version():
    """Keys of stores depend on them."""
    assert fingerprint({"b": [1, 2.5], "a": "é"}) == "1d5aa48ef9cd2b6b"
    assert derive_seed(0, "views", 3) == 4660248838880756278


def shuffled(value, rng):
    """An equal value whose dictionaries have another order."""
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {key: shuffled(inside, rng) for key, inside in items}
    return [shuffled(inside, rng) for inside in value] if isinstance(value, list) else value


@given(JSON, st.integers(0, 2**32))
def test_canonical_json_does_not_depend_on_the_order_of_keys_and_comes_back(value, seed):
    text = canonical_json(value)
    assert canonical_json(shuffled(value, random.Random(seed))) == text
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text
    assert text.isascii()


@given(JSON, JSON)
def test_fingerprints_are_equal_where_texts_are(first, second):
    assert (fingerprint(first) == fingerprint(second)) == (canonical_json(first) == canonical_json(second))
    assert fingerprint(first, length=32).startswith(fingerprint(first))
