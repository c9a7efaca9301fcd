from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.records import Architecture, Evaluation, Fidelity, Status
from mf_nas_kd.records.evaluation import LONGEST_ERROR
from mf_nas_kd.store import EvaluationStore
from tests.fakes import evaluation

FINISHED = evaluation("key", Architecture.of("mobilenet_v2", stem=4), Fidelity(Fraction(1), epochs=2), 0, 0.5)
TEXTS = st.text(st.characters() | st.characters(categories=["Cs"]) | st.just("\0"), max_size=50)


@given(TEXTS)
def test_an_error_of_any_text_can_be_stored(error):
    row = replace(FINISHED, status=Status.FAILED, error=error).to_row()
    assert "\0" not in row["error"]
    row["error"].encode()
    if "\0" not in error and error.isprintable():
        assert row["error"] == error
    assert Evaluation.from_row(row).to_row() == row


@pytest.mark.parametrize("error", ["cannot read 'a\udcff'", "NUL: \0", "long: " + "\ud800" * 10**6, "x" * 10**7])
def test_the_store_takes_an_error_of_any_text(tmp_path, error):
    store = EvaluationStore(f"sqlite:///{tmp_path}/evaluations.db")
    store.append(replace(FINISHED, status=Status.FAILED, error=error))
    (found,) = store.find(["key"]).values()
    assert found.error[:4] == error[:4]
    assert len(found.error) <= 6 * LONGEST_ERROR


def test_the_first_and_the_last_characters_of_a_long_error_are_kept():
    error = "begin" + "x" * 10**6 + "end"
    kept = replace(FINISHED, error=error).to_row()["error"]
    assert len(kept) == LONGEST_ERROR
    assert kept.startswith("begin")
    assert kept.endswith("end")
