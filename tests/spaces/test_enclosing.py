import pytest

from mf_nas_kd.errors import InvalidValueError, UnknownNameError
from mf_nas_kd.spaces import Architecture, enclosing_space
from mf_nas_kd.spaces.nas_bench_201 import OPERATIONS, cell_of_operations
from mf_nas_kd.spaces.published import PUBLISHED_SPACES
from tests.published import published_entries


def mobilenet(*stages, stem=4, head=16):
    return Architecture.of("mobilenet_v2", stem=stem, stages=[list(stage) for stage in stages], head=head)


def shufflenet(*stages):
    return Architecture.of("shufflenet_v2", stem=4, stages=[list(stage) for stage in stages], head=16)


def cell(*operations, stem=16):
    return Architecture.of("nas_bench_201", stem=stem, cells_per_stage=5, cell=cell_of_operations(operations))


def test_choices_are_the_values_that_occur():
    space = enclosing_space([mobilenet((1, 8, 1, 2)), mobilenet((1, 6, 2, 2)), mobilenet((1, 8, 3, 2), head=32)])
    assert space.size == 2 * 3 * 2
    assert len(space.encode(mobilenet((1, 6, 3, 2)))) == 3
    with pytest.raises(InvalidValueError, match="one of the space"):
        space.encode(mobilenet((1, 7, 1, 2)))
    assert enclosing_space([shufflenet((4, 1), (8, 2)), shufflenet((6, 1), (8, 3))]).size == 2 * 2
    cells = enclosing_space([cell(*["none"] * 6), cell("nor_conv_3x3", *["none"] * 5)])
    assert cells.size == 2**6


@pytest.mark.parametrize(
    ("architectures", "message"),
    [
        ([], r"space of the architectures is \[\], but must be one, the same for all"),
        ([mobilenet((1, 8, 1, 2)), shufflenet((8, 1))], r"space of the architectures is \['mobilenet_v2', 'shufflenet_v2'\]"),
        ([mobilenet((1, 8, 1, 2)), mobilenet((1, 8, 1, 1))], r"strides of the architectures is \[\(1,\), \(2,\)\]"),
        ([mobilenet((1, 8, 1, 2)), mobilenet(*[(1, 8, 1, 2)] * 2)], r"strides of the architectures is \[\(2,\), \(2, 2\)\]"),
        ([shufflenet((8, 1)), shufflenet((8, 1), (8, 1))], r"number of stages of the architectures is \[1, 2\]"),
        ([cell(*OPERATIONS, "none"), cell(*OPERATIONS, "none", stem=8)], r"stem of the architectures is \[8, 16\]"),
    ],
)  # fmt: skip
def test_what_no_space_holds_is_refused(architectures, message):
    with pytest.raises(InvalidValueError, match=message):
        enclosing_space(architectures)


def test_an_unknown_space_lists_the_known_ones():
    with pytest.raises(
        UnknownNameError, match="space of the architectures is 'elsewhere', but must be one of: mobilenet_v2"
    ):
        enclosing_space([Architecture.of("elsewhere", anything=1)])


@pytest.mark.parametrize(("name", "features"), [("mobilenet", 15), ("shufflenet", 7)])
def test_published_architectures_have_a_space(published, name, features):
    architectures = [PUBLISHED_SPACES[name](entry) for entry in published_entries(published, name)[:100]]
    space = enclosing_space(architectures)
    assert {len(space.encode(architecture)) for architecture in architectures} == {features}
