"""Entries of a benchmark that need zero-cost proxies of a table's candidates."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from mf_nas_kd.benchmarks.entries import Entry
from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.records.proxies import proxy_columns
from mf_nas_kd.statistics.proxies import further_proxies

ORDER = "proxy_order"
"""Name of the strategy that takes the candidates in the order of a proxy."""

logger = logging.getLogger(__name__)


def proxy_orders(table: BenchmarkTable) -> dict[str, Entry]:
    """Orders of high-fidelity evaluations by each proxy of a table, by names such as ``naswot_order``."""
    return {
        f"{name}_order": Entry(strategy=ORDER, low="none", options={"proxy": name})
        for name in proxy_columns(table.candidates)
    }


def with_known_proxies(table: BenchmarkTable, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries whose models see no other proxies than those of a table's candidates; others are left out."""
    known = further_proxies(table.candidates)
    for name, entry in entries.items():
        if lacking := [proxy for proxy in entry.proxies if proxy not in known]:
            logger.warning("%s: %s is left out, the table has no %s", table.name, name, ", ".join(lacking))
    return {name: entry for name, entry in entries.items() if known.keys() >= set(entry.proxies)}
