import pytest

from mf_nas_kd.benchmarks.published import LISTS
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Architecture
from mf_nas_kd.spaces.published import PUBLISHED_SPACES
from tests.published import published_entries

MOBILENET = [[1, 16, 2, 1], [6, 24, 3, 2], [0, 536, 2, 0]]
SHUFFLENET = {"out_channels": [98, 158, 524], "num_blocks": [6, 3]}


def test_a_mobilenet():
    assert PUBLISHED_SPACES["mobilenet"](MOBILENET) == Architecture.of(
        "mobilenet_v2", stem=32, stages=[[1, 16, 2, 1], [6, 24, 3, 2]], head=536
    )


def test_a_shufflenet():
    assert PUBLISHED_SPACES["shufflenet"](SHUFFLENET) == Architecture.of(
        "shufflenet_v2", stem=24, stages=[[98, 6], [158, 3]], head=524
    )


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        MOBILENET[-1:],
        {"rows": MOBILENET},
        [[1, 16, 2], *MOBILENET[1:]],
        [[1, 16, 2, 3], *MOBILENET[1:]],
        [[1, 16, 0, 1], *MOBILENET[1:]],
        [[1, 16.5, 2, 1], *MOBILENET[1:]],
        [[1, True, 2, 1], *MOBILENET[1:]],
        [*MOBILENET[:-1], [0]],
        [*MOBILENET[:-1], 536],
    ],
)
def test_a_malformed_mobilenet_is_refused(entry):
    with pytest.raises(InvalidValueError, match="published mobilenet is .*, but must be rows of expansion"):
        PUBLISHED_SPACES["mobilenet"](entry)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [[98, 6], [158, 3]],
        {"out_channels": [98, 524]},
        {**SHUFFLENET, "stem": 24},
        {**SHUFFLENET, "num_blocks": [6, 3, 5]},
        {**SHUFFLENET, "num_blocks": 6},
        {**SHUFFLENET, "num_blocks": [6, 0]},
        {**SHUFFLENET, "out_channels": [98, "158", 524]},
        {"out_channels": [524], "num_blocks": []},
    ],
)
def test_a_malformed_shufflenet_is_refused(entry):
    with pytest.raises(InvalidValueError, match="published shufflenet is .*, but must be out_channels and num_blocks"):
        PUBLISHED_SPACES["shufflenet"](entry)


def test_a_shufflenet_with_odd_channels_is_refused():
    with pytest.raises(InvalidValueError, match=r"channels of a stage is \[98, 157\], but must be even"):
        PUBLISHED_SPACES["shufflenet"]({**SHUFFLENET, "out_channels": [98, 157, 524]})


@pytest.mark.parametrize(("name", "count"), [("mobilenet", 156), ("shufflenet", 1000)])
def test_every_published_entry_is_an_architecture(published, name, count):
    entries = published_entries(published, name)
    assert len({PUBLISHED_SPACES[name](entry).id for entry in entries}) == len(entries) == count


def test_every_list_has_a_reader():
    assert set(LISTS) == set(PUBLISHED_SPACES)
