"""Metrics: their values against scikit-learn, their columns, and what they say of tables that lack them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.records import METRICS, Metrics, MetricSetting
from mf_nas_kd.records.fields import column_names
from mf_nas_kd.records.metrics import ACCURACY, BALANCED_ACCURACY, metric_of, with_metrics

EXPECTED = {"accuracy": accuracy_score, "balanced_accuracy": balanced_accuracy_score}

LACKING = ("test_accuracy", "val_balanced_accuracy", "test_balanced_accuracy")


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true", "ignore:A single label was found")
@given(images=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_values_are_those_of_scikit_learn(name, images):
    labels, predicted = (np.array(column) for column in zip(*images, strict=True))
    assert METRICS[name].measure(labels, predicted) == pytest.approx(EXPECTED[name](labels, predicted), abs=1e-12)


def test_every_metric_has_its_columns_and_nothing_else_is_a_metric():
    names = [name for each in METRICS.values() for name in (each.validation, each.test)]
    assert sorted(names) == sorted(column_names(Metrics))


def test_all_metrics_are_measured():
    measured = Metrics.measured(([0, 0, 0, 1], [0, 0, 0, 0]), ([0, 1], [0, 1]))
    assert measured == Metrics(0.75, 1.0, 0.5, 1.0)
    assert (ACCURACY.of(measured), BALANCED_ACCURACY.of(measured)) == (0.75, 0.5)
    assert BALANCED_ACCURACY.of(Metrics()) is None


def test_a_table_is_scored_by_the_metric():
    table = pd.DataFrame([Metrics(0.75, 1.0, 0.5, 0.9).to_row(), Metrics().to_row()])
    assert BALANCED_ACCURACY.scored(table)["val_score"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert ACCURACY.scored(table)["test_score"].tolist() == pytest.approx([1.0, np.nan], nan_ok=True)


def test_a_table_of_an_earlier_version_is_scored_by_accuracy_only():
    table = pd.DataFrame({"val_accuracy": [0.5, None, 0.7], "test_accuracy": [0.4, None, 0.6]})
    assert ACCURACY.scored(table)["val_score"].notna().sum() == 2
    with pytest.raises(MissingEvaluationError, match="2 of 3 evaluations have no balanced accuracy, .* run the evalua"):
        BALANCED_ACCURACY.scored(table)


def test_the_parameter_is_a_name():
    assert MetricSetting("balanced_accuracy").value is BALANCED_ACCURACY
    with pytest.raises(ValidationError, match="known: accuracy, balanced_accuracy|accuracy"):
        MetricSetting("f1")


def test_an_outcome_of_an_earlier_version_was_chosen_by_accuracy():
    assert metric_of({}) is ACCURACY
    assert metric_of({"metric": "balanced_accuracy"}) is BALANCED_ACCURACY


def test_metrics_of_an_earlier_version_are_missing_numbers():
    """A store gives columns of None, which have no mean."""
    table = with_metrics(
        pd.DataFrame({"val_accuracy": [0.5, None], "val_balanced_accuracy": [None, None]}, dtype=object)
    )
    assert set(table.columns) == set(column_names(Metrics))
    assert table.mean().to_dict() == pytest.approx({"val_accuracy": 0.5} | dict.fromkeys(LACKING, np.nan), nan_ok=True)
