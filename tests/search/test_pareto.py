"""The Pareto front: by hand, and against brute force."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.search import pareto_front


def test_the_front_by_hand():
    table = pd.DataFrame(
        {"id": list("abcdef"), "macs": [1, 2, 2, 3, 4, 4], "val_accuracy": [0.5, 0.7, 0.6, 0.7, 0.9, 0.9]}
    )
    assert pareto_front(table, "val_accuracy")["id"].tolist() == ["a", "b", "e"]


def test_a_failed_or_single_row():
    assert pareto_front(pd.DataFrame({"macs": [5], "val_accuracy": [0.0]}), "val_accuracy")["macs"].tolist() == [5]


def dominates(a, b):
    """At most as many multiply-accumulates, at least the accuracy, and not equal in both."""
    return a[0] <= b[0] and a[1] >= b[1] and a != b


rows = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 8).map(lambda n: n / 8)), max_size=20)


@given(rows)
def test_the_front_is_what_no_other_row_dominates(rows):
    found = pareto_front(pd.DataFrame(rows, columns=["macs", "val_accuracy"]), "val_accuracy")
    expected = sorted({row for row in rows if not any(dominates(other, row) for other in rows)})
    assert list(found.itertuples(index=False, name=None)) == expected


@given(rows)
def test_the_front_of_a_front_is_itself(rows):
    front = pareto_front(pd.DataFrame(rows, columns=["macs", "val_accuracy"]), "val_accuracy")
    pd.testing.assert_frame_equal(pareto_front(front, "val_accuracy"), front)
