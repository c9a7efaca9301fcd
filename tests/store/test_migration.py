"""Stores of earlier versions are migrated, newer and foreign ones refused."""

import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import INTEGER, create_engine, inspect

from mf_nas_kd.errors import StoreError
from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.fields import column_names
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.store.migration import VERSION_TABLE, _context, _scripts, migrate
from mf_nas_kd.store.tables import METADATA
from tests.fakes import FakeEvaluator

# As the version before migrations created them.
FIRST_SCHEMA = """
CREATE TABLE evaluations (
    row_number INTEGER NOT NULL, "key" VARCHAR(255) NOT NULL, space VARCHAR(255) NOT NULL,
    architecture_id VARCHAR(255) NOT NULL, architecture TEXT NOT NULL, train_fraction FLOAT NOT NULL,
    epochs INTEGER NOT NULL, width FLOAT NOT NULL, distillation VARCHAR(255) NOT NULL, seed INTEGER NOT NULL,
    dataset VARCHAR(255) NOT NULL, dataset_fingerprint VARCHAR(255) NOT NULL,
    teacher_fingerprint VARCHAR(255) NOT NULL, status VARCHAR(255) NOT NULL, error TEXT NOT NULL, val_accuracy FLOAT,
    test_accuracy FLOAT, cost_seconds FLOAT NOT NULL, macs INTEGER NOT NULL, params INTEGER NOT NULL,
    device VARCHAR(255) NOT NULL, code_version VARCHAR(255) NOT NULL, finished_at VARCHAR(255) NOT NULL,
    PRIMARY KEY (row_number));
CREATE INDEX ix_evaluations_key ON evaluations ("key");
CREATE TABLE teacher_fills (
    row_number INTEGER NOT NULL, dataset_fingerprint VARCHAR(255) NOT NULL, teacher_fingerprint VARCHAR(255) NOT NULL,
    remembers TEXT NOT NULL, pairs INTEGER NOT NULL, seconds FLOAT NOT NULL, device VARCHAR(255) NOT NULL,
    code_version VARCHAR(255) NOT NULL, finished_at VARCHAR(255) NOT NULL, PRIMARY KEY (row_number));
INSERT INTO teacher_fills VALUES (1, 'd', 't', 'kd, nst', 162, 1.5, 'cpu', '0', '2026-01-01T00:00:00+00:00');
"""

LATER = {
    "learning_curve",
    "lost_seconds",
    "pause_seconds",
    "reused_seconds",
    "val_balanced_accuracy",
    "test_balanced_accuracy",
}
"""Columns that the schema 0004 lacks."""


@pytest.fixture
def evaluation(architectures, short):
    """As earlier versions made it."""
    return replace(FakeEvaluator().evaluate(architectures[0], short, 0), lost_seconds=None)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


def first_version(path, *evaluations):
    names = FIRST_SCHEMA.split("CREATE INDEX")[0]
    with sqlite3.connect(path) as connection:
        connection.executescript(FIRST_SCHEMA)
        for each in evaluations:
            row = {name: value for name, value in each.to_row().items() if name in names}
            columns, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO evaluations ({columns}) VALUES ({marks})", list(row.values()))


def test_a_store_of_the_first_version_is_migrated_and_keeps_everything(path, evaluation):
    first_version(path, evaluation)
    store = EvaluationStore(f"sqlite:///{path}")
    assert store.find([evaluation.key]) == {evaluation.key: evaluation}
    precomputed = store.precomputed_targets()
    assert precomputed[["distillation", "pairs", "seconds"]].to_numpy().tolist() == [["kd, nst", 162, 1.5]]
    store.append(evaluation)
    assert len(EvaluationStore(f"sqlite:///{path}").table()) == 1


def test_a_store_from_before_targets_were_precomputed_is_migrated(path, evaluation):
    first_version(path, evaluation)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE teacher_fills")
    store = EvaluationStore(f"sqlite:///{path}")
    assert store.find([evaluation.key]) == {evaluation.key: evaluation}
    assert store.precomputed_targets().empty


@pytest.mark.parametrize("begun", [True, False])
def test_migrated_tables_are_those_of_the_records(path, begun):
    """Columns, types, nullability and indices, for a new store and for one of the first version."""
    if begun:
        first_version(path)
    EvaluationStore(f"sqlite:///{path}")
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = _context(connection)
        context.opts["compare_type"] = True
        differences = [d for d in compare_metadata(context, METADATA) if VERSION_TABLE not in str(d)]
    assert differences == []


def test_migrated_tables_on_a_server_are_those_of_the_records(postgresql_url):
    EvaluationStore(postgresql_url)
    with create_engine(postgresql_url).connect() as connection:
        context = _context(connection)
        context.opts["compare_type"] = True
        ours = [d for d in compare_metadata(context, METADATA) if VERSION_TABLE not in str(d)]
        columns = [c for name in METADATA.tables for c in inspect(connection).get_columns(name)]
    assert ours == []
    narrow = {c["name"] for c in columns if getattr(c["type"], "length", None) or type(c["type"]) is INTEGER}
    assert narrow == {"key", "row_number"}


def test_a_store_on_a_server_of_before_wide_columns_keeps_everything(postgresql, evaluation):
    """Tables of the schema 0004, with a row, in a database of their own."""
    with create_engine(postgresql.url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE narrow")
    url = postgresql.url.removesuffix("postgres") + "narrow"
    engine, scripts = create_engine(url), _scripts()
    with (
        engine.begin() as connection,
        EnvironmentContext(
            Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs("0004", revision)
        ) as environment,
    ):
        environment.configure(connection=connection, version_table=VERSION_TABLE)
        environment.run_migrations()
        row = {name: value for name, value in evaluation.to_row().items() if name not in LATER}
        connection.execute(METADATA.tables["evaluations"].insert().values(**row))
        assert INTEGER in {
            type(c["type"]) for c in inspect(connection).get_columns("evaluations") if c["name"] == "seed"
        }
    store = EvaluationStore(url)
    wide = replace(evaluation, key="wide", seed=2**62, dataset=300 * "d")
    store.append(wide)
    assert store.find([evaluation.key, "wide"]) == {evaluation.key: evaluation, "wide": wide}
    engine.dispose()


def test_a_store_of_a_newer_version_is_refused_with_one_line(path, evaluation):
    store = EvaluationStore(f"sqlite:///{path}")
    store.append(evaluation)
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(StoreError, match="has schema 9999, made by a newer version .*: update mf_nas_kd") as refused:
        EvaluationStore(f"sqlite:///{path}")
    assert "\n" not in str(refused.value)


def test_a_migration_that_is_cut_off_leaves_the_store_as_it_was(path, evaluation, monkeypatch):
    first_version(path, evaluation)

    def cut_off(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", cut_off)
        with pytest.raises(KeyboardInterrupt):
            migrate(create_engine(f"sqlite:///{path}"), "store")
    assert sqlite3.connect(path).execute("SELECT count(*) FROM teacher_fills").fetchone() == (1,)
    assert EvaluationStore(f"sqlite:///{path}").find([evaluation.key]) == {evaluation.key: evaluation}


def test_processes_that_create_a_store_at_the_same_time_all_open_it(path):
    code = f"""
        from mf_nas_kd.store import EvaluationStore
        print(len(EvaluationStore("sqlite:///{path}").table()))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    ended = [process.communicate() for process in processes]
    assert [out for out, _ in ended] == [b"0\n"] * 4, [err.decode()[-500:] for _, err in ended]


def test_a_plan_reads_its_own_rows_only(path, evaluation, monkeypatch):
    store = EvaluationStore(f"sqlite:///{path}")
    store.append(evaluation)
    statements = []
    monkeypatch.setattr(store, "_rows", lambda query, table: statements.append(str(query)) or [])
    store.table(keys=[evaluation.key])
    assert all("WHERE" in statement for statement in statements)


def test_the_last_records_are_read_without_the_others(path, architectures, short):
    store = EvaluationStore(f"sqlite:///{path}")
    for seed in range(5):
        store.append(FakeEvaluator().evaluate(architectures[0], short, seed))
    assert store.latest(2)["seed"].tolist() == [3, 4]
    assert list(store.latest(2).columns) == list(column_names(Evaluation))
