"""Zero-cost proxies: what ranks candidates without any training.

One line in the table for a proxy that is counted. Proxies of untrained networks (:mod:`mf_nas_kd.proxies`) are columns
of the candidates, by the names in ``records.proxies.PROXY_LABELS``.

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
from mf_nas_kd.records.proxies import PROXY_LABELS, proxy_columns
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.spaces.nas_bench_201 import live_params
from mf_nas_kd.statistics.conditioning import normal_scores

Proxy = Callable[[Architecture, Costs], float | None]
"""From an architecture and its costs to a positive number, None where the proxy is not defined for its space."""

PROXIES: Mapping[str, Proxy] = {
    "macs": lambda _, costs: costs.macs,
    "params": lambda _, costs: costs.params,
    "live_params": live_params,
}

CONTROLLED = ("macs", "params")
"""The proxies that partial correlations hold fixed, and that models of a search always see."""

NAMES: Mapping[str, object] = {**PROXIES, **PROXY_LABELS}
"""All proxies by their names, those of untrained networks included."""


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


def further_proxies(candidates: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Values of every proxy of the candidates beside ``CONTROLLED``, ``(n,)`` each, by its name.

    Args:
        candidates: Table of ``n`` candidates, as for :func:`log_proxies`, with columns of proxies. A value that is
            missing becomes minus infinity, as where no signal passes: it ranks with the lowest.
    """
    counted = {name: values for name, values in log_proxies(candidates).items() if name not in CONTROLLED}
    columns = {name: candidates[name].to_numpy(dtype=float) for name in proxy_columns(candidates)}
    return {name: np.where(np.isnan(values), -np.inf, values) for name, values in (counted | columns).items()}


def scored_proxies(candidates: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Normal scores of :func:`further_proxies`: their scales are arbitrary, and only ranks count."""
    return {name: normal_scores(values) for name, values in further_proxies(candidates).items()}
