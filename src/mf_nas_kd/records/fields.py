"""The schema of records: which columns a record has, with name, type, unit and role.

A record is a frozen dataclass that inherits :class:`Record`. Its fields are columns, declared with :func:`column`, or
other records, whose columns are its own in their place. Tables of the store, columns of data frames, parameters and
metrics of MLflow and keys are derived from :meth:`Record.columns`; nothing else lists them.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from typing import Any, Self, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

import pandas as pd

from mf_nas_kd.errors import InvalidValueError

T = TypeVar("T")

_COLUMN = "column"


class Role(StrEnum):
    """What a column is for."""

    KEY = "key"
    """Identifies the record."""
    SUBJECT = "subject"
    """What was trained."""
    FIDELITY = "fidelity"
    """How much was spent on it."""
    SETTING = "setting"
    """With which seed, on which images and which device."""
    PROVENANCE = "provenance"
    """Fingerprints, version, time."""
    STATUS = "status"
    """How it ended."""
    METRIC = "metric"
    """What it gave; None if it failed."""
    COURSE = "course"
    """How it went on the way."""
    COST = "cost"
    """What it cost, and what the network costs to run."""


@dataclass(frozen=True)
class Column:
    """One column of a record.

    Attributes:
        name: Name in every table.
        type: ``str``, ``int`` or ``float``, the type in every table.
        role: What the column is for.
        unit: Unit of the values; empty if they have none.
        nullable: Whether a value may be missing (None).
        long: Whether a text may have more than 255 characters.
        indexed: Whether records are looked up by this column.
    """

    name: str
    type: type
    role: Role
    unit: str = ""
    nullable: bool = False
    long: bool = False
    indexed: bool = False


@dataclass(frozen=True)
class _Declaration:
    role: Role
    unit: str
    long: bool
    indexed: bool
    stored_as: type | None
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def column(
    role: Role,
    unit: str = "",
    *,
    long: bool = False,
    indexed: bool = False,
    stored_as: type | None = None,
    encode: Callable[[Any], Any] = lambda value: value,
    decode: Callable[[Any], Any] | None = None,
    **options: Any,
) -> Any:
    """Declare a field of a record as a column.

    Args:
        role: What the column is for.
        unit: Unit of the values.
        long: Whether a text may have more than 255 characters.
        indexed: Whether records are looked up by this column.
        stored_as: Type in tables, where it is not that of the field.
        encode: From the field's value to the value in tables.
        decode: From the value in tables to the field's value; the column's type if it is not given.
        **options: Arguments of :func:`dataclasses.field`, such as ``default``.
    """
    declared = _Declaration(role, unit, long, indexed, stored_as, encode, decode or (lambda value: value))
    return field(metadata={_COLUMN: declared}, **options)


@dataclass_transform(frozen_default=True, field_specifiers=(column,))
def record(cls: type[T]) -> type[T]:
    """Class decorator that makes a frozen dataclass of a record in which columns stand between other records."""
    return dataclass(frozen=True)(cls)


class Record:
    """Base of all records: frozen dataclasses whose fields are columns or other records.

    >>> from mf_nas_kd.records import Fidelity
    >>> [column.name for column in Fidelity.columns()][:2]
    ['train_fraction', 'epochs']
    """

    @classmethod
    def columns(cls) -> tuple[Column, ...]:
        """All columns in their order, those of the records inside included."""
        return _columns(cls)  # type: ignore[arg-type]  # classes have a hash; mypy takes that of their instances

    def to_row(self) -> dict[str, Any]:
        """Values of all columns by name, as tables hold them."""
        row: dict[str, Any] = {}
        for each in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            value = getattr(self, each.name)
            declared = each.metadata.get(_COLUMN)
            if declared is None:
                row |= value.to_row()
            else:
                encoded = None if value is None else declared.encode(value)
                row[each.name] = storable(encoded) if isinstance(encoded, str) else encoded
        return row

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """The record in a row of a table.

        A missing value (None, not-a-number) becomes None, that of a text the empty text. Nullable columns that a table
        of an earlier version lacks are missing values. Columns that are not the record's are ignored.

        Args:
            row: A mapping from column to value, or an object with the columns as attributes (``itertuples()``).

        Raises:
            InvalidValueError: If a value is missing that may not be.
        """
        readers = _readers(cls)  # type: ignore[arg-type]  # as above
        return cls(**{name: read(row) for name, read in readers})


def storable(text: str) -> str:
    r"""The text with what no database stores, lone surrogates and the character of code zero, written as Python does.

    >>> print(storable("cannot read 'a\udcff'"))
    cannot read 'a\udcff'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def column_names(record: type[Record], *roles: Role) -> tuple[str, ...]:
    """Names of a record's columns in their order; those of some roles, if any are given."""
    return tuple(each.name for each in record.columns() if not roles or each.role in roles)


@cache
def _columns(record: type[Record]) -> tuple[Column, ...]:
    found: list[Column] = []
    hints = _hints(record)  # type: ignore[arg-type]  # as above
    for each in fields(record):  # type: ignore[arg-type]  # subclasses are dataclasses
        declared = each.metadata.get(_COLUMN)
        if declared is None:
            found += hints[each.name].columns()
        else:
            kind, nullable = _stored_type(hints[each.name], declared), _is_optional(hints[each.name])
            found.append(
                Column(each.name, kind, declared.role, declared.unit, nullable, declared.long, declared.indexed)
            )
    return tuple(found)


@cache
def _readers(record: type[Record]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """Functions that read each field from a row, by its name."""
    hints = _hints(record)  # type: ignore[arg-type]  # as above
    found: list[tuple[str, Callable[[Any], Any]]] = []
    for each in fields(record):  # type: ignore[arg-type]  # subclasses are dataclasses
        hint, declared = hints[each.name], each.metadata.get(_COLUMN)
        if declared is None:
            found.append((each.name, hint.from_row))
        else:
            found.append((each.name, partial(_read, each.name, hint, declared, _stored_type(hint, declared))))
    return tuple(found)


def _read(name: str, hint: Any, declared: _Declaration, stored: type, row: Any) -> Any:
    value = value_in(row, name, optional=_is_optional(hint))
    if not _missing(value):
        return declared.decode(stored(value))
    if _is_optional(hint):
        return None
    if stored is str:
        return ""  # a CSV file does not tell an empty text from a missing one
    raise InvalidValueError(f"column {name!r} of a table", value, "a value in every row")


@cache
def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


@cache
def _hints(record: type[Record]) -> dict[str, Any]:
    if not is_dataclass(record):
        raise TypeError(f"{record.__name__} is not a dataclass")
    return get_type_hints(record)


def _stored_type(hint: Any, declared: _Declaration) -> type:
    if declared.stored_as is not None:
        return declared.stored_as
    kind = next(kind for kind in get_args(hint) if kind is not type(None)) if _is_optional(hint) else hint
    return next(plain for plain in (str, int, float) if issubclass(kind, plain))


def value_in(row: Any, name: str, optional: bool = False) -> Any:
    """The value of a column in a row: a mapping, or an object with the columns as attributes.

    Args:
        row: The row.
        name: Name of the column.
        optional: Whether the value is None where the row lacks the column.
    """
    if optional:
        return row.get(name) if isinstance(row, (dict, Mapping)) else getattr(row, name, None)
    # A dictionary is a mapping, but Python finds that out more slowly.
    return row[name] if isinstance(row, (dict, Mapping)) else getattr(row, name)


def _missing(value: Any) -> bool:
    """Whether a value is None, not-a-number, or missing in pandas' sense, which takes longer to ask for."""
    return value is None or (type(value) not in (str, int) and bool(pd.isna(value)))
