"""Zero-cost proxies: what ranks candidates without any training. One line a proxy in the table.

References:
    White et al. (2022). A Deeper Look at Zero-Cost Proxies for Lightweight NAS. ICLR Blog Track: MACs and parameters
    rank networks about as well as any other proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mf_nas_kd.records import Architecture, Costs
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.spaces.nas_bench_201 import live_params

Proxy = Callable[[Architecture, Costs], float | None]
"""From an architecture and its costs to a positive number, None where the proxy is not defined for its space."""

PROXIES: Mapping[str, Proxy] = {
    "macs": lambda _, costs: costs.macs,
    "params": lambda _, costs: costs.params,
    "live_params": live_params,
}

CONTROLLED = ("macs", "params")
"""The proxies that partial correlations hold fixed, and that models of a search see."""


def log_proxies(candidates: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Logarithms of every proxy that is defined for all candidates, ``(n,)`` each, by its name.

    Args:
        candidates: Table of ``n`` candidates, with the columns of an architecture and of its costs, and ``latency_ms``
            where it was measured of all of them.
    """
    pairs = list(zip(records_of(candidates, Architecture), records_of(candidates, Costs), strict=True))
    values = {name: [proxy(*pair) for pair in pairs] for name, proxy in PROXIES.items()}
    if "latency_ms" in candidates and candidates["latency_ms"].notna().all():
        values["latency_ms"] = candidates["latency_ms"].tolist()
    return {name: np.log(np.array(found, dtype=float)) for name, found in values.items() if None not in found}
