"""The evaluation store: append-only tables of an SQL database, in which every record is durable at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from sqlalchemy import URL, Connection, Engine, Row, Select, Table, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from mf_nas_kd.errors import StoreError
from mf_nas_kd.records import DeviceCosts, Evaluation, PrecomputedTargets
from mf_nas_kd.records.fields import storable
from mf_nas_kd.store import claims, retries
from mf_nas_kd.store.migration import migrate
from mf_nas_kd.store.retries import passes, retried
from mf_nas_kd.store.rows import row_of
from mf_nas_kd.store.tables import DEVICE_COSTS, EVALUATIONS, PRECOMPUTED_TARGETS, ROW_NUMBER, TABLES, batches

_CHECKED_BYTES = 64 * 2**20  # a larger file is not checked at every opening
_LOCK_SECONDS = 10  # how long one try waits for another process that writes
_LIBPQ: Mapping[str, Any] = {  # a machine that is gone is noticed, instead of waited for
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

Stored = Evaluation | PrecomputedTargets | DeviceCosts
T = TypeVar("T")

logger = logging.getLogger(__name__)


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
        try:
            self._url = make_url(url)
            self._engine = _engine(self._url)
        except ImportError as failure:
            raise StoreError(
                f"the evaluation store {self} needs a driver that is not installed: {failure}"
            ) from failure
        except (ArgumentError, OSError) as failure:
            raise StoreError(f"cannot use the evaluation store {_shown(url)}: {_cause(failure)}") from failure
        self._warned = False
        is_file = self._engine.dialect.name == "sqlite"
        try:
            retried(self._open, retries.RETRY_SECONDS if is_file else retries.CONNECT_SECONDS, self._warn)
        except SQLAlchemyError as failure:
            message = f"cannot use the evaluation store {self}: {_cause(failure)}"
            advice = "it must be a database that this program made; move the file away to start an empty one"
            raise StoreError(f"{message}; {advice}" if is_file and not passes(failure) else message) from failure

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)

    def append(self, record: Stored) -> None:
        """Append a record; it is durable when the method returns.

        Characters that databases refuse (NUL, lone surrogates) are stored as Python writes them.

        Raises:
            StoreError: If the database refuses the record.
            InvalidValueError: If it has an integer of more than 64 bits, or a number is not a number.
        """
        table, row, tries = TABLES[type(record)], row_of(record), count()

        def insert(connection: Connection) -> None:
            # The answer to a commit may have been lost.
            if next(tries) == 0 or not _has(connection, table, row):
                connection.execute(table.insert().values(**row))

        self._run("refused a record", insert)

    def find(self, keys: Iterable[str]) -> dict[str, Evaluation]:
        """Find the newest evaluation of each key; keys that the store does not have are left out.

        Raises:
            StoreError: If the database cannot be read.
        """
        return {each.key: each for each in _evaluations(self._newest(keys))}

    def known(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys of which the store has an evaluation, finished or failed.

        Raises:
            StoreError: If the database cannot be read.
        """
        found: set[str] = set()
        for batch in batches(map(storable, keys)):
            some = select(EVALUATIONS.c.key).where(EVALUATIONS.c.key.in_(batch))
            found.update(row.key for row in self._rows(some, EVALUATIONS))
        return found

    def table(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """The newest evaluation of each key as a table, one a row, in the order in which the keys were first appended.

        Args:
            keys: Keys to read; None for all, which takes memory in proportion to the store.

        Raises:
            StoreError: If the database cannot be read.
        """
        rows = self._newest(keys) if keys is not None else _newest(self._rows(select(EVALUATIONS), EVALUATIONS))
        return _frame(rows, EVALUATIONS).drop(columns=ROW_NUMBER)

    def of_study(self, keys: Iterable[str]) -> list[Evaluation]:
        """The newest evaluations of a study: those on the images and with the teachers of its plan.

        Args:
            keys: Keys of the plan.

        Raises:
            StoreError: If the database cannot be read.
        """
        planned, columns = self._newest(keys), EVALUATIONS.c
        of_both = [columns.dataset_fingerprint, columns.teacher_fingerprint]
        theirs = [each.in_({row._mapping[each.name] for row in planned}) for each in of_both]
        rows = self._rows(select(EVALUATIONS).where(*theirs), EVALUATIONS)
        return _evaluations(_newest(rows))

    def latest(self, count: int, kind: type[Stored] = Evaluation) -> pd.DataFrame:
        """The last appended records as a table, oldest first; other records are not read."""
        table = TABLES[kind]
        last = select(table).order_by(table.c[ROW_NUMBER].desc()).limit(count)
        rows = self._run("cannot be read", lambda connection: connection.execute(last).all())
        return _frame(rows[::-1], table).drop(columns=ROW_NUMBER)

    def precomputed_targets(self) -> pd.DataFrame:
        """All records of precomputed teacher targets as a table, oldest first."""
        return _frame(self._rows(select(PRECOMPUTED_TARGETS), PRECOMPUTED_TARGETS), PRECOMPUTED_TARGETS)

    def device_costs(self) -> pd.DataFrame:
        """All records of costs on devices as a table, oldest first."""
        return _frame(self._rows(select(DEVICE_COSTS), DEVICE_COSTS), DEVICE_COSTS).drop(columns=ROW_NUMBER)

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
        return self._run("refused claims", lambda connection: claims.claim(connection, keys, owner, seconds))

    def renew(self, owner: str, seconds: float) -> None:
        """Let all claims of an owner expire later, also expired ones that nobody has taken.

        Args:
            owner: Name of the claimant.
            seconds: Time until the claims expire, by the clock of the database.

        Raises:
            StoreError: If the database refuses.
        """
        self._run("refused claims", lambda connection: claims.renew(connection, owner, seconds))

    def release(self, owner: str, keys: Iterable[str] | None = None) -> None:
        """Remove claims of an owner.

        Args:
            owner: Name of the claimant.
            keys: Keys to release; None for all of the owner. Keys that others hold stay theirs.

        Raises:
            StoreError: If the database refuses.
        """
        listed = None if keys is None else list(keys)
        self._run("refused claims", lambda connection: claims.release(connection, owner, listed))

    def _newest(self, keys: Iterable[str]) -> list[Row[Any]]:
        """The newest row of each key, in the order in which the keys were first appended."""
        rows: list[Row[Any]] = []
        for batch in batches(map(storable, keys)):
            rows += self._rows(select(*EVALUATIONS.columns).where(EVALUATIONS.c.key.in_(batch)), EVALUATIONS)
        return _newest(sorted(rows, key=lambda row: row._mapping[ROW_NUMBER]))

    def _rows(self, query: Select[Any], table: Table) -> Sequence[Row[Any]]:
        """Rows of a query of a table, in the order in which they were appended."""
        ordered = query.order_by(table.c[ROW_NUMBER])
        return self._run("cannot be read", lambda connection: connection.execute(ordered).all())

    def _run(self, what: str, work: Callable[[Connection], T]) -> T:
        """Do work in one transaction, again after errors that pass."""

        def transaction() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        try:
            return retried(transaction, retries.RETRY_SECONDS, self._warn)
        except SQLAlchemyError as failure:
            tried = f" (tried for {retries.RETRY_SECONDS:.0f} s)" if passes(failure) else ""
            raise StoreError(f"the evaluation store {self} {what}: {_cause(failure)}{tried}") from failure

    def _warn(self, failure: SQLAlchemyError) -> None:
        """Say once that the database gives trouble."""
        if not self._warned:
            self._warned = True
            message = "The evaluation store %s gives trouble (%s): what fails is tried again for up to %.0f s"
            logger.warning(message, self, _cause(failure), retries.RETRY_SECONDS)

    def _open(self) -> None:
        self._refuse_damaged()
        migrate(self._engine, str(self))

    def _refuse_damaged(self) -> None:
        """Check a SQLite file, unless it is large: then damage is an error when the damaged part is read."""
        path = _path(self._url) if self._engine.dialect.name == "sqlite" else None
        if path is None or not path.exists() or path.stat().st_size > _CHECKED_BYTES:
            return
        with self._engine.connect() as connection:
            found = _quick_check(connection)
        if found != "ok":
            raise StoreError(f"the evaluation store {self} is damaged ({found}): restore it from a copy")


def _quick_check(connection: Connection) -> str:
    return str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())


def _has(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    same = [table.c[name].is_not_distinct_from(value) for name, value in row.items()]
    return connection.execute(select(table.c[ROW_NUMBER]).where(*same).limit(1)).first() is not None


def _shown(url: str) -> str:
    """A URL without its password; nothing of one that cannot be read."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "of this URL"


def _cause(failure: Exception) -> str:
    """What a driver says, in one line."""
    return " ".join(str(failure.__cause__ or failure).split())


def _newest(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """The last row of each key, in the order of the keys' first rows."""
    return list({row.key: row for row in rows}.values())


def _evaluations(rows: Iterable[Row[Any]]) -> list[Evaluation]:
    names = [column.name for column in EVALUATIONS.columns]
    return [Evaluation.from_row(dict(zip(names, row, strict=True))) for row in rows]


def _frame(rows: Sequence[Row[Any]], table: Table) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[column.name for column in table.columns])


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        is_libpq = url.get_backend_name() == "postgresql" and url.get_driver_name() in {"psycopg", "psycopg2"}
        options = {name: value for name, value in _LIBPQ.items() if name not in url.query} if is_libpq else {}
        return create_engine(url, pool_pre_ping=True, connect_args=options)
    path = _path(url)
    # A database in memory is that of its one connection.
    pool: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0} if path is None else {}
    engine = create_engine(url, connect_args={"timeout": _LOCK_SECONDS, "check_same_thread": False}, **pool)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def durable(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = FULL")  # data are on the disk when a commit returns

    return engine


def _path(url: URL) -> Path | None:
    """The file of a SQLite database; None for one in memory."""
    return Path(url.database) if url.database and url.database != ":memory:" else None
