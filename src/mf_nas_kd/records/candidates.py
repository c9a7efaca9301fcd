"""Candidates as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import Cost


def candidate_table(architectures: Iterable[Architecture], cost_of: Callable[[Architecture], Cost]) -> pd.DataFrame:
    """One row an architecture: ``architecture_id, space, architecture, macs, params``."""
    rows = []
    for architecture in architectures:
        cost = cost_of(architecture)
        rows.append((architecture.id, architecture.space, architecture.specification, cost.macs, cost.params))
    return pd.DataFrame(rows, columns=["architecture_id", "space", "architecture", "macs", "params"])


def architectures_of(table: pd.DataFrame) -> list[Architecture]:
    """The architectures of a table with the columns ``space`` and ``architecture``."""
    return [Architecture(row.space, row.architecture) for row in table.itertuples()]
