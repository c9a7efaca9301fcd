"""Locks of a whole database, by which processes and machines wait for each other."""

from __future__ import annotations

from sqlalchemy import Connection

MIGRATION = 6_841_702  # numbers of advisory locks; any that no other program uses on the same server
CLAIMS = 6_841_703


def lock(connection: Connection, number: int) -> None:
    """Wait for a lock and hold it until the transaction ends; it must be the first statement of the transaction.

    SQLite has one lock for all writers. Databases other than SQLite and PostgreSQL are not locked.

    Args:
        connection: Connection with a transaction that has done nothing yet.
        number: Number of the lock.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")
