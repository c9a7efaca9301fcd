"""Learning curves in the report."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pandas as pd
import pytest

from mf_nas_kd.figures import learning_curve, learning_curves, paused_table
from mf_nas_kd.records import Evaluation, Fidelity, LearningCurve
from mf_nas_kd.records.tables import table_of
from tests.fakes import evaluation

FULL = Fidelity(Fraction(1), 8)
HALF, LOW = replace(FULL, epochs=4), Fidelity(Fraction(1, 9), 4)


def trained(architecture, fidelity, accuracy):
    curve = LearningCurve((1.0,) * fidelity.epochs, {2: 0.25, fidelity.epochs: accuracy})
    return replace(evaluation("key", architecture, fidelity, 0, accuracy), learning_curve=curve)


@pytest.fixture
def searched(architectures):
    first, second, third, fourth, *_ = architectures
    failed = evaluation("key", fourth, HALF, 0, None, error="it broke")
    made = [trained(first, HALF, 0.5), trained(first, FULL, 0.75), trained(second, HALF, 0.4), trained(third, LOW, 0.3)]
    return table_of([*made, failed], Evaluation)


def test_what_was_paused_and_not_continued_is_listed_with_its_reason(searched, architectures):
    trace = pd.DataFrame({"reason": ["a", "continues the training", "rank 2 of 2", "drawn", "drawn"]})
    paused = paused_table(searched, trace, FULL)
    assert paused.to_dict("records") == [
        {
            "architecture_id": architectures[1].id,
            "paused_after_epochs": 4,
            "of_epochs": 8,
            "val_accuracy": 0.4,
            "reason": "rank 2 of 2",
        }
    ]


def test_a_line_is_the_longest_training_and_a_mark_each_evaluation(searched):
    drawn = learning_curves(searched.iloc[:0], searched, FULL)
    (axis,) = drawn.axes
    assert [list(line.get_xdata()) for line in axis.lines] == [[2, 8], [2, 4]]
    assert set(axis.get_legend_handles_labels()[1]) == {
        "paused, of the search",
        "complete, of the search",
    }
    assert sum(len(marks.get_offsets()) for marks in axis.collections) == 3


def test_evaluations_of_earlier_versions_have_no_curve(searched):
    (axis,) = learning_curves(searched.assign(learning_curve=None), searched.iloc[:0], FULL).axes
    assert all(len(line.get_xdata()) == 0 for line in axis.lines)


def test_a_line_goes_on_over_epochs_that_were_not_measured():
    _, accuracies = learning_curve(LearningCurve((3.0, 2.0, 1.0), {1: 0.25, 3: 0.75}).table).axes
    (line,) = accuracies.lines
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([1, 3], [0.25, 0.75])
