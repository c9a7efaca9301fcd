"""Values that databases refuse, on SQLite and on a real PostgreSQL server."""

import math
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mf_nas_kd.errors import InvalidValueError, StoreError
from mf_nas_kd.records import Costs, Metrics
from mf_nas_kd.records.fidelity import LARGEST_NUMBER
from mf_nas_kd.store import EvaluationStore
from tests.fakes import FakeEvaluator

TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=600)
LONG = st.text("aé\x00\ud800\U0001f600", min_size=256, max_size=600)
INTEGERS = st.integers(-(2**63), 2**63 - 1)

shared = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def evaluation(architectures, short):
    return FakeEvaluator().evaluate(architectures[0], short, 0)


@pytest.fixture
def store(any_url):
    return EvaluationStore(any_url)


def plain(text):
    refused = {"\x00": "\\x00", **{chr(code): f"\\u{code:x}" for code in range(0xD800, 0xE000)}}
    return "".join(refused.get(character, character) for character in text)


@shared
@given(text=TEXTS | LONG)
def test_any_text_is_stored(store, evaluation, text):
    names = ("dataset", "dataset_fingerprint", "teacher_fingerprint", "status", "error", "device", "code_version")
    record = replace(evaluation, key=uuid4().hex, **dict.fromkeys(names, text))
    record = replace(record, finished_at=text)
    store.append(record)
    found = store.find([record.key])[record.key]
    assert [getattr(found, name) for name in (*names, "finished_at")] == [plain(text)] * 8


@shared
@given(seed=INTEGERS, macs=INTEGERS, params=INTEGERS, epochs=st.integers(1, LARGEST_NUMBER))
def test_integers_have_64_bits(store, evaluation, seed, macs, params, epochs):
    record = replace(evaluation, key=uuid4().hex, seed=seed, costs=Costs(macs, params))
    record = replace(record, fidelity=replace(record.fidelity, epochs=epochs, image_size=epochs))
    store.append(record)
    assert store.find([record.key]) == {record.key: record}


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_larger_integers_are_refused_with_one_line(store, evaluation, number):
    with pytest.raises(InvalidValueError, match=f"macs of a record is {number}, but must be .* 9,223,372") as refused:
        store.append(replace(evaluation, costs=Costs(number, 1)))
    assert "\n" not in str(refused.value)


@shared
@given(cost=st.floats(allow_nan=False), accuracy=st.floats())
def test_any_number_is_stored_and_not_a_number_is_none(store, evaluation, cost, accuracy):
    record = replace(evaluation, key=uuid4().hex, cost_seconds=cost, metrics=Metrics(accuracy, None))
    store.append(record)
    found = store.find([record.key])[record.key]
    assert found.cost_seconds == cost
    assert found.metrics.val_accuracy == (None if math.isnan(accuracy) else accuracy)


def test_a_missing_number_is_refused_with_one_line(store, evaluation):
    with pytest.raises(InvalidValueError, match="cost_seconds of a record is nan, but must be a number"):
        store.append(replace(evaluation, cost_seconds=math.nan))


def test_numbers_of_numpy_are_stored_as_numbers(store, evaluation):
    record = replace(evaluation, key=uuid4().hex, costs=Costs(np.int64(5), np.int32(6)), cost_seconds=np.float32(0.5))
    store.append(record)
    assert store.find([record.key])[record.key] == replace(record, costs=Costs(5, 6), cost_seconds=0.5)


@pytest.mark.parametrize("key", ["\ud800", "a\x00b", "';"])
def test_any_key_can_be_looked_up(store, evaluation, key):
    store.append(replace(evaluation, key=key))
    assert len(store.find([key])) == len(store.table([key])) == 1


def test_a_key_that_is_too_long_is_one_error_on_a_server(postgresql_url, evaluation):
    with pytest.raises(StoreError, match="refused a record: value too long"):
        EvaluationStore(postgresql_url).append(replace(evaluation, key=300 * "k"))
