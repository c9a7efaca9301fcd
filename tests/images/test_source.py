import pytest

from mf_nas_kd.errors import UnknownNameError
from mf_nas_kd.images import load_images


def test_a_split_is_a_function_of_its_seed():
    first, again, other = (load_images("digits", 0.2, 0.2, seed) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_an_unknown_source_lists_the_known_ones():
    with pytest.raises(
        UnknownNameError, match="images.source is 'digit', but must be one of: cifar10, cifar100, digits"
    ):
        load_images("digit", 0.2, 0.2, 0)
