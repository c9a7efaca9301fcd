import numpy as np
import pytest

from mf_nas_kd.seeding import canonical_json, derive_seed, fingerprint, numpy_generator


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
