"""Where evaluations are kept: append-only, durable record by record, in any SQL database."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd
from sqlalchemy import (
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mf_nas_kd.errors import StoreError
from mf_nas_kd.records.evaluation import Evaluation, TeacherFill

logger = logging.getLogger(__name__)

_TYPES = {"str": String(255), "int": Integer, "float": Float(53), "float | None": Float(53)}
_LONG = {"architecture", "error", "remembers"}
_KEYS_A_QUERY = 500  # SQLite before 3.32 takes 999 values

_METADATA = MetaData()


def _table(name: str, record: type) -> Table:
    """One column a field of the record, after the number of the row."""
    return Table(
        name,
        _METADATA,
        Column("row_number", Integer, primary_key=True, autoincrement=True),
        *(
            Column(
                field.name,
                Text if field.name in _LONG else _TYPES[str(field.type)],
                nullable="None" in str(field.type),
                index=field.name == "key",
            )
            for field in fields(record)
        ),
    )


EVALUATIONS = _table("evaluations", Evaluation)
TEACHER_FILLS = _table("teacher_fills", TeacherFill)
_TABLES = {Evaluation: EVALUATIONS, TeacherFill: TEACHER_FILLS}
_COLUMNS = [column for column in EVALUATIONS.columns if column.name != "row_number"]


class EvaluationStore:
    """All evaluations ever made, those of other images, teachers and recipes included.

    A record is on the disk when :meth:`append` returns. Nothing is ever changed or removed; of several records with
    one key (a failed training that was tried again) the newest counts.

    Args:
        url: An SQLAlchemy URL, ``sqlite:///path`` or a server's.

    Raises:
        StoreError: If the database is damaged, not reachable, or holds another kind of table.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        try:
            self._engine = _engine(url)
        except ModuleNotFoundError as failure:
            raise StoreError(
                f"the evaluation store {self} needs a driver that is not installed: {failure}"
            ) from failure
        try:
            self._prepare()
        except SQLAlchemyError as failure:
            advice = "it must be a database that this program made; move the file away to start an empty one"
            is_file = self._engine.dialect.name == "sqlite"
            message = f"cannot use the evaluation store {self}: {failure.__cause__ or failure}"
            raise StoreError(f"{message}; {advice}" if is_file else message) from failure

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)

    def append(self, record: Evaluation | TeacherFill) -> None:
        """Add one record; it is durable when this returns.

        Raises:
            StoreError: If the database refuses it.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(_TABLES[type(record)].insert().values(**asdict(record)))
        except SQLAlchemyError as failure:
            raise StoreError(
                f"the evaluation store {self} refused a record: {failure.__cause__ or failure}"
            ) from failure

    def find(self, keys: Iterable[str]) -> dict[str, Evaluation]:
        """The newest record of each of the keys that are there."""
        wanted = list(keys)
        found = {}
        with self._engine.connect() as connection:
            for start in range(0, len(wanted), _KEYS_A_QUERY):
                some = EVALUATIONS.c.key.in_(wanted[start : start + _KEYS_A_QUERY])
                for row in connection.execute(select(*_COLUMNS).where(some).order_by(EVALUATIONS.c.row_number)):
                    found[row.key] = Evaluation(**row._mapping)
        return found

    def table(self) -> pd.DataFrame:
        """The newest record of every key, one a row, in the order of their first arrival."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(EVALUATIONS.c.row_number)).all()
        newest = {row.key: row._mapping for row in rows}
        return pd.DataFrame(list(newest.values()), columns=[column.name for column in _COLUMNS])

    def teacher_fills(self) -> pd.DataFrame:
        """All records of asking teachers beforehand, oldest first."""
        with self._engine.connect() as connection:
            return pd.read_sql(select(TEACHER_FILLS).order_by(TEACHER_FILLS.c.row_number), connection)

    def _prepare(self) -> None:
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if verdict != "ok":
                raise StoreError(f"the evaluation store {self} is damaged ({verdict}): restore it from a copy")
        there = set(inspect(self._engine).get_table_names())
        if there and not there & set(_METADATA.tables) and self._engine.dialect.name == "sqlite":
            names = ", ".join(sorted(there))
            raise StoreError(f"{self} holds other tables ({names}) and no evaluations: choose another file")
        if not there >= set(_METADATA.tables):
            try:
                _METADATA.create_all(self._engine)
            except DBAPIError:  # another process has created them since we looked
                _METADATA.create_all(self._engine)
            else:
                logger.info("Created tables in the evaluation store %s", self)
        for table in _METADATA.tables.values():
            self._check_columns(table)

    def _check_columns(self, table: Table) -> None:
        there = {column["name"] for column in inspect(self._engine).get_columns(table.name)}
        wanted = {column.name for column in table.columns}
        if there != wanted:
            raise StoreError(
                f"the evaluation store {self} is from another version of this program: its table {table.name} "
                f"lacks {sorted(wanted - there)} and has {sorted(there - wanted)} besides; choose another file"
            )


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)

        @event.listens_for(engine, "connect")
        def durable(connection, _record) -> None:  # noqa: ANN001 - DBAPI objects have no common type
            connection.execute("PRAGMA synchronous = FULL")  # on the disk when a commit returns

    return engine
