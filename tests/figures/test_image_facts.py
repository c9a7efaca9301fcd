"""What is wrong with the images is said in the report."""

import pandas as pd
import pytest

from mf_nas_kd import figures
from mf_nas_kd.images import duplicates_table, no_pairs

COUNTS = pd.DataFrame({"class": ["cat", "dog"], "train": [50, 8], "validation": [20, 3], "test": [20, 3]})


def pairs(*rows):
    columns = ["kind", "image_split", "other_split", "image_class", "other_class"]
    return pd.DataFrame(rows, columns=columns)


def test_copies_in_two_splits_two_labels_and_small_classes_are_warnings():
    table = pairs(("exact", "train", "test", "cat", "cat"), ("crop", "train", "train", "cat", "dog"))
    across, labels, few = figures.image_warnings(COUNTS, table)
    assert "in two splits: 1" in across
    assert "two labels, of which one is wrong: 1" in labels
    assert "dog (3)" in few
    assert "cat" not in few


def test_nothing_wrong_is_no_warning():
    enough = COUNTS.assign(test=10)
    assert figures.image_warnings(enough, pairs(("crop", "test", "left_out", "cat", "cat"))) == []


@pytest.mark.parametrize(
    ("rows", "text"), [((), "none, or not looked for"), ((("exact", "train", "train", "cat", "cat"),), "1 exact")]
)
def test_facts_name_what_was_found(digits, rows, text):
    table = pairs(*rows) if rows else duplicates_table(digits, no_pairs())
    found = figures.image_facts(digits, COUNTS, table)
    assert found["Pairs that show the same picture"] == text
    assert found["Training images of a class"] == "8 to 50"
    assert found["Images in no split"] == "0"
