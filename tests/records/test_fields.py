"""The schema of records: columns, rows, and back."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Architecture, Evaluation, Fidelity, Metrics, PrecomputedTargets
from mf_nas_kd.records.fields import Column, Record, Role, column, column_names
from mf_nas_kd.records.tables import completed, records_of, table_of
from tests.fakes import evaluation

ARCHITECTURE = Architecture.of("mobilenet_v2", stem=4)
FIDELITY = Fidelity(Fraction(1, 27), epochs=3, width=0.5, distillation="kd")


@dataclass(frozen=True)
class Inner(Record):
    size: int | None = column(Role.COST, "pixels", default=None)


@dataclass(frozen=True)
class Outer(Record):
    name: str = column(Role.KEY, indexed=True)
    inner: Inner
    share: Fraction = column(Role.FIDELITY, stored_as=float, encode=float, decode=Fraction)
    text: str = column(Role.STATUS, long=True)


def test_columns_are_derived_in_the_order_of_the_fields_with_those_of_records_inside():
    assert Outer.columns() == (
        Column("name", str, Role.KEY, indexed=True),
        Column("size", int, Role.COST, "pixels", nullable=True),
        Column("share", float, Role.FIDELITY),
        Column("text", str, Role.STATUS, long=True),
    )
    assert column_names(Outer, Role.COST, Role.KEY) == ("name", "size")


@pytest.mark.parametrize("size", [7, None])
def test_a_record_survives_its_row(size):
    record = Outer("a", Inner(size), Fraction(1, 4), "why")
    assert record.to_row() == {"name": "a", "size": size, "share": 0.25, "text": "why"}
    assert Outer.from_row(record.to_row()) == record


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_missing_value_of_a_table_is_none(missing):
    assert Outer.from_row({"name": "a", "size": missing, "share": 0.5, "text": "t", "other": 1}).inner == Inner(None)


def test_numbers_of_a_table_become_those_of_the_record():
    record = Outer.from_row({"name": "a", "size": np.float64(7.0), "share": np.float32(0.5), "text": "t"})
    assert type(record.inner.size) is int
    assert record.share == Fraction(1, 2)


def test_the_columns_of_an_evaluation_are_those_that_stores_and_tables_rely_on():
    relied_upon = {
        "key", "space", "architecture_id", "architecture", "train_fraction", "epochs", "width", "distillation", "seed",
        "dataset", "dataset_fingerprint", "teacher_fingerprint", "status", "error", "val_accuracy", "test_accuracy",
        "cost_seconds", "macs", "params", "device", "code_version", "finished_at",
    }  # fmt: skip
    assert relied_upon <= set(column_names(Evaluation))
    assert len(set(column_names(Evaluation))) == len(Evaluation.columns())


def test_every_role_is_used_and_every_column_has_a_type_that_tables_know():
    columns = [*Evaluation.columns(), *PrecomputedTargets.columns()]
    assert {each.role for each in columns} == set(Role)
    assert {each.type for each in columns} <= {str, int, float}


def test_evaluations_survive_a_table():
    finished = evaluation("k", ARCHITECTURE, FIDELITY, 0, 0.5)
    failed = evaluation("l", ARCHITECTURE, FIDELITY, 1, None, "it broke")
    assert failed.metrics == Metrics(None, None)
    assert records_of(table_of([finished, failed], Evaluation), Evaluation) == [finished, failed]


def test_a_table_of_an_earlier_version_lacks_a_column_that_may_be_missing():
    assert Outer.from_row({"name": "a", "share": 0.5, "text": "t"}).inner == Inner(None)
    table = completed(pd.DataFrame({"name": ["a"], "share": [0.5], "text": ["t"]}), Outer)
    assert records_of(table, Outer) == [Outer("a", Inner(None), Fraction(1, 2), "t")]
    with pytest.raises(KeyError, match="text"):
        Outer.from_row({"name": "a", "share": 0.5})


def test_a_record_is_a_dataclass():
    class Plain(Record):
        pass

    with pytest.raises(TypeError):
        Plain.columns()


def test_a_value_that_may_not_be_missing_is_refused():
    with pytest.raises(InvalidValueError, match="column 'share' of a table is nan, but must be a value in every row"):
        Outer.from_row({"name": "a", "share": np.nan, "text": "t"})


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, np.float32("nan")])
def test_an_empty_text_of_a_csv_file_is_the_empty_text(missing):
    assert Outer.from_row({"name": "a", "share": 0.5, "text": missing}).text == ""
