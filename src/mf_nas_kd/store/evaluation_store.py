"""The evaluation store: append-only tables of an SQL database, in which every record is durable at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import URL, Connection, Engine, Row, Select, Table, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from mf_nas_kd.errors import StoreError
from mf_nas_kd.records import Evaluation, PrecomputedTargets
from mf_nas_kd.store import claims
from mf_nas_kd.store.migration import migrate
from mf_nas_kd.store.tables import EVALUATIONS, PRECOMPUTED_TARGETS, ROW_NUMBER, TABLES, batches

_CHECKED_BYTES = 64 * 2**20  # a larger file is not checked at every opening
_LOCK_SECONDS = 60  # how long to wait for another process that writes


class EvaluationStore:
    """Store of all evaluations, those of other images, teachers and hyper-parameters included.

    A record is on the disk when :meth:`append` returns. Nothing is ever changed or removed; of several records with
    one key (a failed training that was made again) the newest is returned. A database of an earlier version of this
    program is migrated when it is opened.

    >>> store = EvaluationStore("sqlite://")  # in memory
    >>> store.find(["unknown"])
    {}

    Args:
        url: An SQLAlchemy URL, such as ``sqlite:///path`` or that of a server.

    Raises:
        StoreError: If the database is damaged, not reachable, holds other tables, or is of a newer version.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        try:
            self._engine = _engine(self._url)
        except ModuleNotFoundError as failure:
            raise StoreError(
                f"the evaluation store {self} needs a driver that is not installed: {failure}"
            ) from failure
        try:
            self._refuse_damaged()
            migrate(self._engine, str(self))
        except SQLAlchemyError as failure:
            advice = "it must be a database that this program made; move the file away to start an empty one"
            is_file = self._engine.dialect.name == "sqlite"
            message = f"cannot use the evaluation store {self}: {failure.__cause__ or failure}"
            raise StoreError(f"{message}; {advice}" if is_file else message) from failure

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)

    def append(self, record: Evaluation | PrecomputedTargets) -> None:
        """Append a record; it is durable when the method returns.

        Raises:
            StoreError: If the database refuses the record.
        """
        with self._errors("refused a record"), self._engine.begin() as connection:
            connection.execute(TABLES[type(record)].insert().values(**record.to_row()))

    def find(self, keys: Iterable[str]) -> dict[str, Evaluation]:
        """Find the newest evaluation of each key; keys that the store does not have are left out.

        Raises:
            StoreError: If the database cannot be read.
        """
        return {row.key: Evaluation.from_row(row) for row in self._newest(keys)}

    def table(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """The newest evaluation of each key as a table, one a row, in the order in which the keys were first appended.

        Args:
            keys: Keys to read; None for all, which takes memory in proportion to the store.

        Raises:
            StoreError: If the database cannot be read.
        """
        rows = self._newest(keys) if keys is not None else self._rows(select(*_columns(EVALUATIONS)), EVALUATIONS)
        newest = {row.key: row._mapping for row in rows}
        return pd.DataFrame(list(newest.values()), columns=[column.name for column in _columns(EVALUATIONS)])

    def latest(self, count: int, kind: type[Evaluation | PrecomputedTargets] = Evaluation) -> pd.DataFrame:
        """The last appended records as a table, oldest first; other records are not read."""
        table = TABLES[kind]
        query = select(*_columns(table)).order_by(table.c[ROW_NUMBER].desc()).limit(count)
        with self._errors("cannot be read"), self._engine.connect() as connection:
            return pd.read_sql(query, connection).iloc[::-1].reset_index(drop=True)

    def precomputed_targets(self) -> pd.DataFrame:
        """All records of precomputed teacher targets as a table, oldest first."""
        with self._errors("cannot be read"), self._engine.connect() as connection:
            return pd.read_sql(select(PRECOMPUTED_TARGETS).order_by(PRECOMPUTED_TARGETS.c[ROW_NUMBER]), connection)

    def claim(self, keys: Sequence[str], owner: str, seconds: float) -> set[str]:
        """Claim keys, so that no other run trains them; see :func:`mf_nas_kd.store.claims.claim`.

        Of processes that claim one key at the same time, one gets it.

        Args:
            keys: Keys to claim: those that nobody holds, whose claim has expired, or that the owner holds already.
            owner: Name of the claimant, different for every run.
            seconds: Time until the claims expire, by the clock of the database.

        Returns:
            Those of the keys that the owner holds now.

        Raises:
            StoreError: If the database refuses.
        """
        with self._errors("refused claims"), self._engine.begin() as connection:
            return claims.claim(connection, keys, owner, seconds)

    def renew(self, owner: str, seconds: float) -> None:
        """Let all claims of an owner expire later, also expired ones that nobody has taken.

        Args:
            owner: Name of the claimant.
            seconds: Time until the claims expire, by the clock of the database.

        Raises:
            StoreError: If the database refuses.
        """
        with self._errors("refused claims"), self._engine.begin() as connection:
            claims.renew(connection, owner, seconds)

    def release(self, owner: str, keys: Iterable[str] | None = None) -> None:
        """Remove claims of an owner.

        Args:
            owner: Name of the claimant.
            keys: Keys to release; None for all of the owner. Keys that others hold stay theirs.

        Raises:
            StoreError: If the database refuses.
        """
        with self._errors("refused claims"), self._engine.begin() as connection:
            claims.release(connection, owner, keys)

    def _newest(self, keys: Iterable[str]) -> list[Row[Any]]:
        """The newest row of each key, in the order of the rows."""
        rows: list[Row[Any]] = []
        for batch in batches(keys):
            rows += self._rows(select(*EVALUATIONS.columns).where(EVALUATIONS.c.key.in_(batch)), EVALUATIONS)
        rows.sort(key=lambda row: row._mapping[ROW_NUMBER])
        return list({row.key: row for row in rows}.values())

    def _rows(self, query: Select[Any], table: Table) -> list[Row[Any]]:
        with self._errors("cannot be read"), self._engine.connect() as connection:
            return list(connection.execute(query.order_by(table.c[ROW_NUMBER])))

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as failure:
            raise StoreError(f"the evaluation store {self} {what}: {failure.__cause__ or failure}") from failure

    def _refuse_damaged(self) -> None:
        """Check a SQLite file, unless it is large: then damage is an error when the damaged part is read."""
        path = _path(self._url) if self._engine.dialect.name == "sqlite" else None
        if path is None or path.stat().st_size > _CHECKED_BYTES:
            return
        with self._engine.connect() as connection:
            found = _quick_check(connection)
        if found != "ok":
            raise StoreError(f"the evaluation store {self} is damaged ({found}): restore it from a copy")


def _quick_check(connection: Connection) -> str:
    return str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())


def _columns(table: Table) -> list[Any]:
    return [column for column in table.columns if column.name != ROW_NUMBER]


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url)
    path = _path(url)
    # A database in memory is that of its one connection.
    pool: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0} if path is None else {}
    engine = create_engine(url, connect_args={"timeout": _LOCK_SECONDS, "check_same_thread": False}, **pool)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    @event.listens_for(engine, "connect")
    def durable(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = FULL")  # data are on the disk when a commit returns

    return engine


def _path(url: URL) -> Path | None:
    """The file of a SQLite database; None for one in memory."""
    return Path(url.database) if url.database and url.database != ":memory:" else None
