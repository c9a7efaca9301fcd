"""Look-up in the plain tables that list the extensions of a room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from mf_nas_kd.errors import UnknownNameError

T = TypeVar("T")


def lookup(table: Mapping[str, T], name: str, kind: str) -> T:
    """Return ``table[name]``; an unknown name raises and lists the known ones.

    Args:
        table: The plain mapping in the ``__init__`` of a room.
        name: The name from the configuration.
        kind: What the table holds (``search.strategy``), for the message.

    Raises:
        UnknownNameError: If ``name`` is not in ``table``.
    """
    if name not in table:
        raise UnknownNameError(kind, name, table)
    return table[name]
