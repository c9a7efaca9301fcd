import pandas as pd
import pytest

from mf_nas_kd.figures import facts

TEACHER = {"params": 10, "macs": 20, "val_accuracy": 0.5, "test_accuracy": 0.25, "fingerprint": "teacher"}
WINNER = {"limits": {}, "strategy": "mf_kd", "evaluations": 1, "spent_seconds": 1.0, "budget_seconds": 2.0}


def told(digits, trained_on):
    """The fact of a teacher with these provenances, as the report has it."""
    planned = {"architecture_id": "a", "space": "s", "macs": 1, "status": "finished", "cost_seconds": 1.0}
    targets = pd.DataFrame({"teacher_fingerprint": [], "pairs": [], "seconds": []})
    return facts(
        digits,
        pd.DataFrame({"fraction": ["1/3"], "images": [5]}),
        {**TEACHER, "trained_on": trained_on},
        pd.DataFrame([{**planned, "device": "cpu", "code_version": "1"}]),
        targets,
        WINNER,
    )["Teacher"]


def test_a_teacher_of_this_split_is_told_without_reservation(digits):
    expected = "10 parameters, 20 MACs; validation 50.00 %, test 25.00 %"
    assert told(digits, [digits.fingerprint]) == expected


@pytest.mark.parametrize(("origin", "words"), [("", "unknown"), ("timm/resnet18.a1_in1k",) * 2, ("0" * 16,) * 2])
def test_the_report_says_where_else_the_teacher_s_weights_come_from(digits, origin, words):
    said = told(digits, [origin, digits.fingerprint])
    assert f"other images or splits too ({words}): it may have learned what is validation or test here" in said
