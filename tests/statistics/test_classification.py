"""Errors of a classifier: counts by hand, intervals of other programs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.statistics import (
    confusion_matrix,
    most_confused,
    per_class_accuracy,
    wilson_interval,
    worst_predictions,
)

CONFUSION = np.array([[8, 2, 0], [1, 5, 4], [0, 0, 0]])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_the_matrix_is_that_of_scikit_learn(pairs):
    labels, predicted = zip(*pairs, strict=True)
    found = confusion_matrix(labels, predicted, classes=5)
    np.testing.assert_array_equal(found, metrics.confusion_matrix(labels, predicted, labels=range(5)))


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        ([0, 3], [0, 0], "class of an image is 3, but must be in \\[0, 3\\)"),
        ([0, 0], [0, -1], "class of an image is -1"),
        ([0, 0], [0], "shape of the predictions is \\(1,\\), but must be that of the labels, \\(2,\\)"),
    ],
)
def test_classes_that_are_not_there_are_refused(labels, predicted, message):
    with pytest.raises(InvalidValueError, match=message):
        confusion_matrix(labels, predicted, classes=3)


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_is_that_of_scipy(n, share, level):
    successes = round(share * n)
    expected = binomtest(successes, n).proportion_ci(level, method="wilson")
    low, high = wilson_interval(successes, n, level)
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_accuracy_of_each_class_by_hand():
    table = per_class_accuracy(CONFUSION, level=0.95).set_index("label")
    assert table["images"].tolist() == [10, 10, 0]
    assert table["correct"].tolist() == [8, 5, 0]
    assert table["accuracy"][:2].tolist() == [0.8, 0.5]
    assert table.loc[2, ["accuracy", "accuracy_low", "accuracy_high"]].isna().all()
    assert table.loc[1, "accuracy_low"] == pytest.approx(0.2366, abs=1e-4)  # Wilson (1927), z = 1.96
    assert table.loc[1, "accuracy_high"] == pytest.approx(0.7634, abs=1e-4)


def test_the_most_confused_pairs_come_first():
    pairs = most_confused(CONFUSION, 5)
    assert pairs[["label", "predicted", "images"]].to_numpy().tolist() == [[1, 2, 4], [0, 1, 2], [1, 0, 1]]
    assert pairs["fraction"].tolist() == [0.4, 0.2, 0.1]
    assert most_confused(CONFUSION, 1)["images"].tolist() == [4]
    assert most_confused(np.diag([3, 4]), 5).empty


def test_the_worst_predictions_are_the_surest_wrong_ones():
    predictions = pd.DataFrame(
        {"label": [0, 1, 2, 1], "predicted": [1, 1, 0, 0], "probability_of_predicted": [0.6, 0.99, 0.9, 0.9]},
        index=[7, 3, 9, 1],
    )
    worst = worst_predictions(predictions, 2)
    assert worst["image"].tolist() == [2, 3]
    assert worst["label"].tolist() == [2, 1]
    assert worst_predictions(predictions, 10)["image"].tolist() == [2, 3, 0]
