"""Claims of keys, so that several runs of one study do not train the same one at the same time.

A claim belongs to an owner until it expires; an owner that goes on working renews its claims. Who dies loses them when
they expire. Claims are no results: the records of the store are valid with and without them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from mf_nas_kd.store.locks import CLAIMS as LOCK
from mf_nas_kd.store.locks import lock
from mf_nas_kd.store.tables import CLAIMS, batches


def claim(connection: Connection, keys: Sequence[str], owner: str, seconds: float) -> set[str]:
    """Claim those keys that nobody holds, whose claim has expired, or that the owner holds already.

    Args:
        connection: Connection with a transaction that has done nothing yet.
        keys: Keys to claim.
        owner: Name of the claimant, different for every run.
        seconds: Time until the claims expire, by the clock of the database.

    Returns:
        Those of the keys that the owner holds now.
    """
    lock(connection, LOCK)
    now = _now(connection)
    held: set[str] = set()
    for batch in batches(dict.fromkeys(keys)):
        there = CLAIMS.c.key.in_(batch)
        connection.execute(delete(CLAIMS).where(there, (CLAIMS.c.owner == owner) | (CLAIMS.c.expires_at < now)))
        of_others = set(connection.scalars(select(CLAIMS.c.key).where(there)))
        rows = [{"key": key, "owner": owner, "expires_at": now + seconds} for key in batch if key not in of_others]
        if rows:
            connection.execute(insert(CLAIMS), rows)
        held.update(set(batch) - of_others)
    return held


def renew(connection: Connection, owner: str, seconds: float) -> None:
    """Let all claims of an owner expire later, also expired ones that nobody has taken.

    Args:
        connection: Connection with a transaction that has done nothing yet.
        owner: Name of the claimant.
        seconds: Time until the claims expire, by the clock of the database.
    """
    lock(connection, LOCK)
    connection.execute(update(CLAIMS).where(CLAIMS.c.owner == owner).values(expires_at=_now(connection) + seconds))


def release(connection: Connection, owner: str, keys: Iterable[str] | None) -> None:
    """Remove claims of an owner.

    Args:
        connection: Connection with a transaction that has done nothing yet.
        owner: Name of the claimant.
        keys: Keys to release; None for all of the owner. Keys that others hold stay theirs.
    """
    lock(connection, LOCK)
    theirs = delete(CLAIMS).where(CLAIMS.c.owner == owner)
    for each in [theirs] if keys is None else [theirs.where(CLAIMS.c.key.in_(batch)) for batch in batches(keys)]:
        connection.execute(each)


def _now(connection: Connection) -> float:
    """Seconds since 1970 by the clock of the database; SQLite's is that of the machine."""
    if connection.dialect.name == "sqlite":
        return time.time()
    now: datetime = connection.execute(select(func.current_timestamp())).scalar_one()
    return (now if now.tzinfo else now.replace(tzinfo=UTC)).timestamp()
