"""Networks that reduce their images too little are told of."""

import numpy as np
import pytest

from mf_nas_kd.spaces import build_space
from mf_nas_kd.studies.map_sizes import warn_of_large_maps
from tests.conftest import CHOICES


@pytest.mark.parametrize(
    ("stem_stride", "size", "told"), [(1, (96, 96), "24 x 24"), (2, (96, 128), "12 x 16"), (2, (64, 64), ""), (1, (32, 32), "")]
)  # fmt: skip
def test_maps_of_more_than_eight_pixels_are_a_warning(stem_stride, size, told, caplog):
    space = build_space("mobilenet_v2", CHOICES["mobilenet_v2"] | {"stem_stride": stem_stride})
    warn_of_large_maps(space.sample(np.random.default_rng(0)), 3, (3, *size))
    assert [told in record.getMessage() for record in caplog.records] == [True] * bool(told)
