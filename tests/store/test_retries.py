"""Errors that pass: a file that others lock, a server that restarts, connections that are lost, a full disk."""

import logging
import sqlite3
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import OperationalError

from mf_nas_kd.errors import StoreError
from mf_nas_kd.records import Evaluation, PrecomputedTargets
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.store.retries import passes
from mf_nas_kd.store.tables import TABLES
from tests.fakes import FakeEvaluator

TARGETS = PrecomputedTargets("d", "t", "kd", 7, 1.5, "cpu", "0", "2026-01-01T00:00:00+00:00")


@pytest.fixture
def evaluation(architectures, short):
    """Of a key that the server, which keeps those of other tests, does not have."""
    return replace(FakeEvaluator().evaluate(architectures[0], short, 0), key=uuid4().hex)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("mf_nas_kd.store.evaluation_store._LOCK_SECONDS", 0.05)
    monkeypatch.setattr("mf_nas_kd.store.retries.RETRY_SECONDS", 0.5)
    monkeypatch.setattr("mf_nas_kd.store.retries.CONNECT_SECONDS", 0.5)


@contextmanager
def locked(path):
    """Another program has the file to itself."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def meanwhile(call):
    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def stored(store, record):
    """Number of rows with the values of a record."""
    table = TABLES[type(record)]
    same = [table.c[name].is_not_distinct_from(value) for name, value in record.to_row().items()]
    with store._engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table).where(*same))


def warnings(caplog):
    return [record.message for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize(
    "operation",
    [
        lambda store, evaluation: store.append(replace(evaluation, seed=1)),
        lambda store, evaluation: store.find([evaluation.key]),
        lambda store, evaluation: store.table(),
        lambda store, evaluation: store.latest(1),
        lambda store, evaluation: store.precomputed_targets(),
        lambda store, evaluation: store.claim(["k"], "a", 60),
        lambda store, evaluation: store.renew("a", 60),
        lambda store, evaluation: store.release("a"),
        lambda store, evaluation: EvaluationStore(str(store)),
    ],
    ids=["append", "find", "table", "latest", "targets", "claim", "renew", "release", "open"],
)
def test_a_locked_file_is_waited_for_and_in_the_end_an_error(
    path, evaluation, operation, impatient, caplog, monkeypatch
):
    store = EvaluationStore(f"sqlite:///{path}")
    store.append(evaluation)
    with locked(path), pytest.raises(StoreError, match="database is locked") as refused:
        operation(store, evaluation)
    assert "\n" not in str(refused.value)
    assert "move the file away" not in str(refused.value)
    monkeypatch.setattr("mf_nas_kd.store.retries.RETRY_SECONDS", 300)
    tried, free = threading.Event(), threading.Event()

    def lock():
        with locked(path):
            tried.set()
            free.wait(300)

    monkeypatch.setattr("mf_nas_kd.store.retries.time.sleep", lambda _: free.set())
    with meanwhile(lock):
        tried.wait(300)
        operation(store, evaluation)
    assert 1 <= len(warnings(caplog)) <= 3  # one a store: a second one is opened for the operation "open", twice
    assert "database is locked" in warnings(caplog)[0]


def test_a_server_that_restarts_loses_and_doubles_nothing(postgresql, evaluation, caplog):
    store = EvaluationStore(postgresql.url)
    stopped = threading.Event()

    def restart():
        for _ in range(2):
            time.sleep(0.2)
            postgresql.stop()
            stopped.set()
            time.sleep(0.5)
            postgresql.start()

    records = []
    with meanwhile(restart):
        while not stopped.is_set() or len(records) < 30:
            records.append(replace(evaluation, key=uuid4().hex))
            store.append(records[-1])
            assert store.find([records[-1].key]) == {records[-1].key: records[-1]}
    assert [stored(store, record) for record in records] == [1] * len(records)
    assert len(warnings(caplog)) == 1


def test_a_server_that_restarts_can_be_opened(postgresql):
    EvaluationStore(postgresql.url)
    postgresql.stop()
    with meanwhile(lambda: (time.sleep(0.5), postgresql.start())):
        EvaluationStore(postgresql.url)


def test_connections_that_the_server_ends_lose_and_double_nothing(postgresql, evaluation):
    store, over = EvaluationStore(postgresql.url), threading.Event()

    def end_connections():
        while not over.is_set():
            postgresql.end_connections()
            time.sleep(0.05)

    records = []
    with meanwhile(end_connections):
        try:
            for _ in range(40):
                records.append(replace(evaluation, key=uuid4().hex))
                store.append(records[-1])
                assert store.claim([records[-1].key], "a", 60) == {records[-1].key}
                store.release("a")
                assert store.find([records[-1].key]) == {records[-1].key: records[-1]}
        finally:
            over.set()
    assert [stored(store, record) for record in records] == [1] * len(records)


@pytest.mark.parametrize("kind", [Evaluation, PrecomputedTargets])
@pytest.mark.parametrize("committed", [True, False])
def test_a_record_whose_commit_was_not_answered_is_stored_once(any_url, evaluation, monkeypatch, kind, committed):
    record = evaluation if kind is Evaluation else replace(TARGETS, distillation=uuid4().hex)
    store, commit, answers = EvaluationStore(any_url), DefaultDialect.do_commit, iter([False])

    def unanswered(dialect, connection):
        answered = next(answers, True)
        if answered or committed:
            commit(dialect, connection)
        if not answered:
            lost = dialect.loaded_dbapi.OperationalError("server closed the connection unexpectedly")
            lost.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise lost

    monkeypatch.setattr(type(store._engine.dialect), "do_commit", unanswered)
    store.append(record)
    monkeypatch.undo()
    assert stored(store, record) == 1
    store.append(record)
    assert stored(store, record) == 2  # what is appended on purpose is stored again


def test_a_full_disk_is_waited_for_and_in_the_end_an_error(path, evaluation, impatient, monkeypatch):
    store = EvaluationStore(f"sqlite:///{path}")
    full = True

    @event.listens_for(store._engine, "checkout")
    def limit(connection, *_):
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if full else 1_000_000
        connection.execute(f"PRAGMA max_page_count = {pages}")

    large = replace(evaluation, error=100_000 * "x")
    with pytest.raises(StoreError, match=r"refused a record: database or disk is full \(tried for"):
        store.append(large)
    monkeypatch.setattr("mf_nas_kd.store.retries.RETRY_SECONDS", 300)

    def tidy_up(_):
        nonlocal full
        full = False

    monkeypatch.setattr("mf_nas_kd.store.retries.time.sleep", tidy_up)
    store.append(large)
    assert stored(store, large) == 1


def test_the_warnings_of_a_store_are_one(path, evaluation, impatient, caplog):
    store = EvaluationStore(f"sqlite:///{path}")
    with locked(path):
        for _ in range(3):
            with pytest.raises(StoreError):
                store.append(evaluation)
    assert len(warnings(caplog)) == 1


def test_what_lasts_is_not_tried_again(postgresql, evaluation, path, monkeypatch):
    monkeypatch.setattr("mf_nas_kd.store.retries.time.sleep", lambda _: pytest.fail("tried again"))
    with pytest.raises(StoreError, match='database "none" does not exist'):
        EvaluationStore(postgresql.url.removesuffix("postgres") + "none")
    with pytest.raises(StoreError, match='role "nobody" does not exist'):
        EvaluationStore(postgresql.url.replace("postgres@", "nobody@"))
    store = EvaluationStore(f"sqlite:///{path}")
    with store._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE evaluations")
    with pytest.raises(StoreError, match="no such table"):
        store.append(evaluation)


def test_an_error_of_a_driver_without_codes_passes():
    assert passes(OperationalError("SELECT 1", {}, Exception("Lost connection to server during query")))
    assert not passes(OperationalError("SELECT 1", {}, Exception("Access denied for user 'nobody'")))
