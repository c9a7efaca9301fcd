import numpy as np
import pytest
from pydantic import ValidationError

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images.groups import NO_GROUPS, GroupOptions, joined, read_groups

NAMES = ("train/cat/p1_a.png", "train/cat/p1_b.png", "train/dog/p2_a.png", "train/dog/other.png")


def by_pattern(pattern):
    return GroupOptions(csv=None, pattern=pattern)


def by_table(tmp_path, text):
    (tmp_path / "groups.csv").write_text(text, encoding="utf-8")
    return GroupOptions(csv=str(tmp_path / "groups.csv"), pattern=None)


def together(groups):
    """Sets of images that belong together."""
    return {tuple(np.flatnonzero(groups == group).tolist()) for group in groups}


def test_without_options_every_image_is_alone():
    assert together(read_groups(NO_GROUPS, NAMES)) == {(0,), (1,), (2,), (3,)}


def test_a_pattern_groups_names_and_the_others_are_alone_with_a_warning(caplog):
    assert together(read_groups(by_pattern(r"/(p\d+)_"), NAMES)) == {(0, 1), (2,), (3,)}
    assert "1 of 4 images have no group, and are groups of their own: train/dog/other.png" in caplog.text


def test_a_pattern_that_matches_nothing_is_refused():
    with pytest.raises(InvalidValueError, match=r"images.group.pattern is 'x\(.\)', .* such as train/cat/p1_a.png"):
        read_groups(by_pattern("x(.)"), NAMES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"csv": None, "pattern": "p("}, "must be a regular expression"),
        ({"csv": None, "pattern": "p"}, r"with one capture group, .* not 0"),
        ({"csv": None, "pattern": "(p)(q)"}, "with one capture group, .* not 2"),
        ({"csv": "a.csv", "pattern": "(p)"}, "null where images.group.csv is given"),
        ({"csv": None}, "Field required"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        GroupOptions.model_validate(options)


def test_a_table_groups_files_in_any_spelling_of_their_paths(tmp_path, caplog):
    names = (*NAMES, "train/dog/e\u0301.png")
    text = "file,group\n./train/cat/p1_a.png,x\ntrain\\dog\\p2_a.png,x\ntrain/dog/\u00e9.png,y\ntrain/dog/other.png,y\n"
    assert together(read_groups(by_table(tmp_path, text), names)) == {(0, 2), (1,), (3, 4)}
    assert "1 of 5 images have no group" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,patient\ntrain/cat/p1_a.png,1\n", "the columns file and group; it has file, patient"),
        ("file,group\ntrain/cat/p9.png,1\n", r"1 are not: train/cat/p9.png \(there is train/cat/p1_a.png\)"),
        ("file,group\ntrain/cat/p1_a.png,1\ntrain/cat/p1_a.png,2\n", "two have: train/cat/p1_a.png"),
        ("", "a CSV file that can be read"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path, text, message):
    with pytest.raises(InvalidValueError, match=message) as refused:
        read_groups(by_table(tmp_path, text), NAMES)
    assert "\n" not in str(refused.value)


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="images.group.csv is .*none.csv.* can be read"):
        read_groups(GroupOptions(csv=str(tmp_path / "none.csv"), pattern=None), NAMES)


def test_pairs_join_groups_and_chains_of_pairs_are_one_group():
    groups = joined(np.array([0, 0, 1, 2, 3, 4]), np.array([1, 2]), np.array([2, 3]))
    assert together(groups) == {(0, 1, 2, 3), (4,), (5,)}
