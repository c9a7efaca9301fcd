"""Rows of records with values that every database takes, and gives back as they are."""

from __future__ import annotations

import math
from typing import Any

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.fields import Column, Record

_LARGEST_INTEGER = 2**63 - 1


def row_of(record: Record) -> dict[str, Any]:
    """The row of a record, as it is stored.

    Not-a-number is a missing value; texts are storable already (:func:`mf_nas_kd.records.fields.storable`).

    Raises:
        InvalidValueError: If an integer has more than 64 bits, or a number is missing.
    """
    row = record.to_row()
    return {column.name: _value(column, row[column.name]) for column in record.columns()}


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return None
    plain = column.type(value)  # NumPy's numbers and enumerations are no values of a database
    if isinstance(plain, str):
        return plain
    if isinstance(plain, int) and not -_LARGEST_INTEGER - 1 <= plain <= _LARGEST_INTEGER:
        raise InvalidValueError(f"{column.name} of a record", plain, f"at most {_LARGEST_INTEGER:,}")
    if not math.isnan(plain):
        return plain
    if not column.nullable:
        raise InvalidValueError(f"{column.name} of a record", plain, "a number")
    return None
