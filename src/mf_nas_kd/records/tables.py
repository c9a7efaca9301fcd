"""Records as data frames, and data frames as records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import pandas as pd

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import Costs
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.records.fields import Record, column_names

Kind = TypeVar("Kind", bound=Record)

CANDIDATE_COLUMNS = ("architecture_id", "space", "architecture", *column_names(Costs))


def table_of(records: Iterable[Record], kind: type[Record]) -> pd.DataFrame:
    """One row a record, with the columns of its kind."""
    return pd.DataFrame([record.to_row() for record in records], columns=list(column_names(kind)))


def records_of(table: pd.DataFrame, kind: type[Kind]) -> list[Kind]:
    """The records in the rows of a table; columns that are not part of the record are left aside."""
    return [kind.from_row(row) for row in completed(table, kind)[list(column_names(kind))].itertuples(index=False)]


def candidate_table(architectures: Iterable[Architecture], cost_of: Callable[[Architecture], Costs]) -> pd.DataFrame:
    """One row an architecture, with the columns ``CANDIDATE_COLUMNS``."""
    rows = [architecture.to_row() | cost_of(architecture).to_row() for architecture in architectures]
    return pd.DataFrame(rows, columns=list(CANDIDATE_COLUMNS))


def completed(table: pd.DataFrame, kind: type[Record]) -> pd.DataFrame:
    """The table with those nullable columns of a record that a table of an earlier version lacks, all missing."""
    absent = [column.name for column in kind.columns() if column.nullable and column.name not in table]
    return table.assign(**dict.fromkeys(absent)) if absent else table


def fidelities_in(table: pd.DataFrame) -> tuple[Fidelity, ...]:
    """The different fidelities of a table's rows, in the order of their first rows."""
    return tuple(dict.fromkeys(records_of(table, Fidelity)))


def at_fidelity(table: pd.DataFrame, fidelity: Fidelity) -> pd.DataFrame:
    """The rows of one fidelity."""
    column, chosen = completed(table, Fidelity), pd.Series(True, index=table.index)
    for name, value in fidelity.to_row().items():
        chosen &= column[name].isna() if value is None else column[name] == value
    return table[chosen]
