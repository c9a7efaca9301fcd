"""Nested mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings merged as the loader of the configuration does; values of the second one have precedence.

    >>> merged({"final": {"epochs": 30, "seeds": 3}}, {"final": {"epochs": 60}})
    {'final': {'epochs': 60, 'seeds': 3}}
    """
    found = dict(below)
    for name, value in above.items():
        both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
        found[name] = merged(found[name], value) if both else value
    return found
