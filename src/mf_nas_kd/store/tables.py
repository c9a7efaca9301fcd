"""SQL tables made from records: the number of the row, then the columns of the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeEngine

from mf_nas_kd.records import Evaluation, PrecomputedTargets
from mf_nas_kd.records import fields as schema
from mf_nas_kd.records.fields import Record

METADATA = MetaData()
ROW_NUMBER = "row_number"

_TYPES: Mapping[type, TypeEngine[Any]] = {str: String(255), int: Integer(), float: Float(53)}


def _table(name: str, record: type[Record]) -> Table:
    return Table(
        name,
        METADATA,
        Column(ROW_NUMBER, Integer, primary_key=True, autoincrement=True),
        *(_column(each) for each in record.columns()),
    )


def _column(declared: schema.Column) -> Column[object]:
    kind = Text() if declared.long else _TYPES[declared.type]
    return Column(declared.name, kind, nullable=declared.nullable, index=declared.indexed)


EVALUATIONS = _table("evaluations", Evaluation)
PRECOMPUTED_TARGETS = _table("precomputed_targets", PrecomputedTargets)

TABLES: Mapping[type[Record], Table] = {Evaluation: EVALUATIONS, PrecomputedTargets: PRECOMPUTED_TARGETS}
"""Table of each kind of record."""
