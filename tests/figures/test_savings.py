"""The sentence on savings says what the table says, and no more."""

import math

import pandas as pd
import pytest

from mf_nas_kd import figures
from mf_nas_kd.records.metrics import ACCURACY


def row(**changes):
    fields = {
        "task": "all",
        "candidates": 24,
        "seeds": 20,
        "target_accuracy_points": 0.5,
        "zero_cost": "params_order",
        "low_fidelity_evaluations_with": 6.25,
        "high_fidelity_evaluations_with": 4.0,
        "high_fidelity_evaluations_without": 5.5,
        "cost_to_target_seconds_with": 61.24,
        "cost_to_target_seconds_with_standard_error": 2.0,
        "cost_to_target_seconds_without": 80.0,
        "cost_to_target_seconds_without_standard_error": 1.5,
        "cost_to_target_seconds_zero_cost": 45.0,
        "saved_to_target_seconds": 18.76,
        "saved_to_target_seconds_low": 14.0,
        "saved_to_target_seconds_high": 23.5,
        "saved_to_target_percent": 23.46,
        "saved_to_target_percent_standard_error": 3.11,
    }
    return {**fields, **changes}


def sentence(**changes):
    smaller = row(task="macs_50", candidates=12, cost_to_target_seconds_with=1.0)
    return figures.savings_sentence(pd.DataFrame([smaller, row(**changes)]))


def test_the_largest_task_is_reported_with_its_numbers():
    assert sentence().startswith(
        "On this study's own evaluations of 24 candidates, a search with low-fidelity evaluations needs 61.2 s (standard "
        "error 2.0) to come within 0.5 points of the best candidate, without them 80.0 s (standard error 1.5): they save "
        "23.5 % (standard error 3.1), 20 seeds. "
    )
    assert "zero-cost proxy alone (params_order, the better of those that were tried) need 45.0 s" in sentence()
    assert "6.2 low- and 4.0 high-fidelity evaluations on average until the best was found, against 5.5" in sentence()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"saved_to_target_seconds_low": -30.0, "saved_to_target_seconds_high": -2.0, "saved_to_target_percent": -20.0}, "they lose 20.0 % (standard error 3.1)"),
        ({"saved_to_target_seconds_low": -1.0}, "it cannot be told whether they save or lose, the difference is a saving of 23.5 %"),
        ({"saved_to_target_seconds_low": -1.0, "saved_to_target_percent": -2.0}, "the difference is a loss of 2.0 %"),
        ({"low_fidelity_evaluations_with": 0.0}, "the search chose no low-fidelity evaluation, so they save nothing"),
        ({"seeds": 1, "saved_to_target_percent_standard_error": math.nan}, "one search of each kind is too few to say"),
    ],
)  # fmt: skip
def test_the_conclusion_is_no_stronger_than_the_interval(changes, expected):
    assert expected in sentence(**changes)
    assert "they save 23.5" not in sentence(**changes)


def test_few_candidates_say_nothing():
    few = figures.savings_sentence(pd.DataFrame([row(candidates=9)]))
    assert "9 candidates are too few to say whether they save anything" in few
    assert "they save 23" not in few


def test_goals_that_were_missed_and_tables_without_rows_are_said_to_be_so():
    assert "not every replayed search came within 0.5 points" in sentence(saved_to_target_seconds=math.nan)
    assert "was not measured" in figures.savings_sentence(pd.DataFrame(columns=list(row())))


def test_an_order_that_was_not_replayed_is_not_mentioned():
    assert "zero-cost" not in sentence(zero_cost="", cost_to_target_seconds_zero_cost=math.nan)
    assert "zero-cost" not in sentence(zero_cost=math.nan, cost_to_target_seconds_zero_cost=math.nan)


FULL = {"train_fraction": 1.0, "epochs": 4, "width": 1.0, "distillation": "none", "image_size": None}
LOW = {**FULL, "train_fraction": 1 / 9}


def test_low_fidelity_results_below_their_threshold_have_hollow_marks():
    steps = [(LOW, 0.6, 0.5), (LOW, 0.4, 0.5), (FULL, 0.8, math.nan), (LOW, 0.5, math.nan), (LOW, 0.5, 0.5)]
    trace = pd.DataFrame(
        {
            **fidelity,
            "cumulative_cost_seconds": n,
            "val_accuracy": value,
            "incumbent_val_accuracy": 0.8,
            "promotion_threshold": t,
        }
        for n, (fidelity, value, t) in enumerate(steps, start=1)
    )
    drawn = figures.search_progress(trace, pd.DataFrame([{**FULL, "role": "full"}]), ACCURACY)
    marks = {each.get_label(): each for each in drawn.axes[0].collections}
    below = marks["low-fidelity evaluations below their promotion threshold"]
    assert below.get_offsets()[:, 0].tolist() == [2, 5]
    assert below.get_facecolor().size == 0
    assert marks["low-fidelity evaluations"].get_offsets()[:, 0].tolist() == [1, 4]
    without = figures.search_progress(trace[:1], pd.DataFrame([{**FULL, "role": "full"}]), ACCURACY)
    assert not any("below" in each.get_label() for each in without.axes[0].collections)
