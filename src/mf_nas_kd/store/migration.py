"""Migration of a database to the current schema; databases of other programs or newer versions are refused."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from mf_nas_kd.errors import StoreError
from mf_nas_kd.store.locks import MIGRATION, lock
from mf_nas_kd.store.migrations.versions.v0001_first_schema import evaluation_columns
from mf_nas_kd.store.tables import METADATA, ROW_NUMBER

logger = logging.getLogger(__name__)

VERSION_TABLE = "mf_nas_kd_schema"
"""Table with the version of the schema; MLflow may have its own ``alembic_version`` in the same database."""

BEFORE_MIGRATIONS = "0001"


def migrate(engine: Engine, name: str) -> None:
    """Create the tables, or migrate those of an earlier version; current tables are left as they are.

    Processes that open a database at the same time wait for each other.

    Args:
        engine: The database.
        name: Name of the store in messages.

    Raises:
        StoreError: If the database holds other tables, or was made by a newer version of this program.
    """
    scripts = _scripts()
    with engine.connect() as connection:
        if _version(connection) == scripts.get_current_head():
            return
    with engine.begin() as connection:
        lock(connection, MIGRATION)
        version = _version(connection) or _version_before_migrations(connection, name)
        _require_known(version, scripts, name)
        if version is not None and _version(connection) is None:
            _context(connection).stamp(scripts, version)
        _upgrade(connection, scripts)
    logger.info("The evaluation store %s was %s schema %s", name, _change(version), scripts.get_current_head())


def _change(version: str | None) -> str:
    return "created with" if version is None else f"migrated from schema {version} to"


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return ScriptDirectory.from_config(config)


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})


def _version(connection: Connection) -> str | None:
    return _context(connection).get_current_revision()


def _version_before_migrations(connection: Connection, name: str) -> str | None:
    """Version of a database without a version table; None for an empty one."""
    there = set(inspect(connection).get_table_names())
    if "evaluations" not in there:
        foreign = there - set(METADATA.tables)
        if foreign and connection.dialect.name == "sqlite":
            raise StoreError(
                f"{name} holds other tables ({', '.join(sorted(foreign))}) and no evaluations: choose another file"
            )
        return None
    found = {column["name"] for column in inspect(connection).get_columns("evaluations")}
    wanted = {ROW_NUMBER, *(column.name for column in evaluation_columns())}
    if found != wanted:
        raise StoreError(
            f"the evaluation store {name} is from another version of this program: its table evaluations lacks "
            f"{sorted(wanted - found)} and has {sorted(found - wanted)} besides; choose another file"
        )
    return BEFORE_MIGRATIONS


def _require_known(version: str | None, scripts: ScriptDirectory, name: str) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if version is not None and version not in known:
        raise StoreError(
            f"the evaluation store {name} has schema {version}, made by a newer version of this program, which knows "
            f"{', '.join(sorted(known))}: update mf_nas_kd, or choose another store"
        )


def _upgrade(connection: Connection, scripts: ScriptDirectory) -> None:
    def steps(revision: tuple[str, ...], _: MigrationContext) -> list[RevisionStep]:
        return list(scripts._upgrade_revs("head", revision))  # type: ignore[arg-type]  # as alembic.command does

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE)
        environment.run_migrations()
