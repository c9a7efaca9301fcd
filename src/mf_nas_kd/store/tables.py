"""SQL tables made from records: the number of the row, then the columns of the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeEngine

from mf_nas_kd.records import DeviceCosts, Evaluation, PrecomputedTargets
from mf_nas_kd.records import fields as schema
from mf_nas_kd.records.fields import Record

METADATA = MetaData()
ROW_NUMBER = "row_number"

_KEYS_A_QUERY = 500  # SQLite before 3.32 takes 999 values

_TYPES: Mapping[type, TypeEngine[Any]] = {
    # SQLite has one type of integers and one of texts, of any size; the names are those of the first schema.
    str: Text().with_variant(String(255), "sqlite"),
    int: BigInteger().with_variant(Integer(), "sqlite"),
    float: Float(53),
}
_INDEXED = String(255)  # not every database has an index of texts of any length


def _table(name: str, record: type[Record]) -> Table:
    return Table(
        name,
        METADATA,
        Column(ROW_NUMBER, Integer, primary_key=True, autoincrement=True),
        *(_column(each) for each in record.columns()),
    )


def _column(declared: schema.Column) -> Column[object]:
    kind = _INDEXED if declared.indexed else Text() if declared.long else _TYPES[declared.type]
    return Column(declared.name, kind, nullable=declared.nullable, index=declared.indexed)


EVALUATIONS = _table("evaluations", Evaluation)
PRECOMPUTED_TARGETS = _table("precomputed_targets", PrecomputedTargets)
DEVICE_COSTS = _table("device_costs", DeviceCosts)

CLAIMS = Table(
    "claims",
    METADATA,
    Column("key", String(255), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("expires_at", Float(53), nullable=False),
)
"""Keys that a run is training; ``expires_at`` in seconds since 1970."""

TABLES: Mapping[type[Record], Table] = {
    Evaluation: EVALUATIONS,
    PrecomputedTargets: PRECOMPUTED_TARGETS,
    DeviceCosts: DEVICE_COSTS,
}
"""Table of each kind of record."""


def batches(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys in lists of as many as a query takes."""
    rest = iter(keys)
    while batch := list(islice(rest, _KEYS_A_QUERY)):
        yield batch
