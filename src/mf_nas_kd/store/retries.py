"""Operations on a database are tried again after errors that pass.

Such errors are a locked file, a full disk, a server that restarts, and a connection that was lost.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

T = TypeVar("T")

RETRY_SECONDS = 120.0
"""How long an operation is tried before it fails."""

CONNECT_SECONDS = 30.0
"""How long the first connection to a server is tried: its address may be wrong."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0

_PASSING_OF_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PROTOCOL,
}

_LASTING = re.compile(r"does not exist|authentication failed|no pg_hba\.conf entry|Access denied|Unknown database")
"""Refusals of a connection, for which drivers have the same class of errors as for one that was lost, and no code."""


def passes(failure: SQLAlchemyError) -> bool:
    """Whether an operation may succeed when it is tried again after this error."""
    cause = failure.orig if isinstance(failure, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _PASSING_OF_SQLITE  # its low byte is the kind
    if isinstance(failure, DBAPIError) and failure.connection_invalidated:
        return True
    return isinstance(failure, (OperationalError, InterfaceError)) and not _LASTING.search(str(cause))


def retried(work: Callable[[], T], seconds: float, on_first: Callable[[SQLAlchemyError], None]) -> T:
    """Do work, and do it again with growing pauses after errors that pass.

    Args:
        work: The work; after an error it may have been done, or not.
        seconds: Time after which no further try begins.
        on_first: Called with the first error that passes.

    Returns:
        What the work returns.

    Raises:
        SQLAlchemyError: An error that does not pass, or the last one when the time is over.
    """
    started, pause = time.monotonic(), _FIRST_PAUSE
    while True:
        try:
            return work()
        except SQLAlchemyError as failure:
            if not passes(failure) or time.monotonic() - started + pause > seconds:
                raise
            if pause == _FIRST_PAUSE:
                on_first(failure)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
