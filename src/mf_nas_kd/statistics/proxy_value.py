"""What each zero-cost proxy adds to MACs and parameters: the table of proxies of a study, and those that are accepted.

References:
    White et al. (2022). A Deeper Look at Zero-Cost Proxies for Lightweight NAS. ICLR Blog Track: MACs and parameters
    rank networks about as well as any other proxy. So no proxy is believed before it has added to these two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mf_nas_kd.statistics.added_value import AddedValue, added_value
from mf_nas_kd.statistics.bootstrap import estimate_columns
from mf_nas_kd.statistics.conditioning import Floats
from mf_nas_kd.statistics.correlation import rank_agreement
from mf_nas_kd.statistics.proxies import CONTROLLED, log_proxies, scored_proxies
from mf_nas_kd.statistics.settings import CorrelationSettings

PROXY_TABLE_COLUMNS = (
    "proxy",
    "n",
    *(f"{name}{end}" for name in ("spearman", "kendall") for end in ("", "_low", "_high")),
    "added",
    "added_p",
    "added_detectable",
    "accepted",
    "seconds",
)


def proxy_table(candidates: pd.DataFrame, settings: CorrelationSettings) -> pd.DataFrame:
    """Rank agreement of every zero-cost proxy with high-fidelity scores, and what it adds to MACs and parameters.

    The test is that of low fidelities (:func:`mf_nas_kd.statistics.added_value.added_value`), family-wise over all
    proxies beside MACs and parameters.

    Args:
        candidates: One row a candidate: the columns of architecture and costs, ``test_score``, and columns of proxies,
            with the seconds that each took in ``<proxy>_seconds``.
        settings: Settings of bootstrap and permutations.

    Returns:
        The columns ``PROXY_TABLE_COLUMNS``, one row a proxy; ``added``, ``added_p`` and ``added_detectable`` are empty
        for MACs and parameters. ``seconds`` is the median for a candidate, 0 for proxies that are counted.

    >>> from mf_nas_kd.statistics.settings import AddedValueSettings
    >>> rng = np.random.default_rng(0)
    >>> macs, unseen = rng.integers(100, 1000, 40), rng.normal(size=40)
    >>> candidates = pd.DataFrame({
    ...     "architecture_id": [str(i) for i in range(40)], "space": "example", "architecture": "{}", "macs": macs,
    ...     "params": rng.integers(10, 100, 40), "naswot": np.exp(unseen), "zico": rng.normal(size=40),
    ...     "naswot_seconds": 0.1, "zico_seconds": 0.2, "test_score": np.log(macs) + unseen,
    ... })
    >>> added = AddedValueSettings(permutations=199, level=0.05, power=0.8)
    >>> table = proxy_table(candidates, CorrelationSettings(resamples=10, level=0.95, seed=0, added_value=added))
    >>> table[["proxy", "accepted", "seconds"]].values.tolist()
    [['macs', False, 0.0], ['params', False, 0.0], ['naswot', True, 0.1], ['zico', False, 0.2]]
    """
    scores = candidates["test_score"].to_numpy(dtype=float)
    counted, further = log_proxies(candidates), scored_proxies(candidates)
    tested = _tested(counted, further, scores, settings)
    rows = []
    for name, values in {**{name: counted[name] for name in CONTROLLED}, **further}.items():
        agreement = rank_agreement(values, scores, None, settings)
        seconds = candidates[f"{name}_seconds"].median() if f"{name}_seconds" in candidates else 0.0
        estimates = {name: getattr(agreement, name) for name in ("spearman", "kendall")}
        columns = {key: value for each in estimates.items() for key, value in estimate_columns(*each).items()}
        rows.append({"proxy": name, "n": agreement.n, **columns, **tested.get(name, NOT_TESTED), "seconds": seconds})
    return pd.DataFrame(rows, columns=list(PROXY_TABLE_COLUMNS))


def accepted_proxies(candidates: pd.DataFrame, scores: Floats, settings: CorrelationSettings) -> tuple[str, ...]:
    """Names of the proxies that are shown to add to MACs and parameters, by the test of :func:`proxy_table`.

    Args:
        candidates: One row a candidate, as for :func:`proxy_table`; ``test_score`` is not needed.
        scores: ``(n,)``, high-fidelity scores, of any images.
        settings: Settings of the permutations.
    """
    tested = _tested(log_proxies(candidates), scored_proxies(candidates), scores, settings)
    return tuple(name for name, columns in tested.items() if columns["accepted"])


NOT_TESTED = {"added": np.nan, "added_p": np.nan, "added_detectable": np.nan, "accepted": False}


def _tested(
    counted: dict[str, Floats], further: dict[str, Floats], scores: Floats, settings: CorrelationSettings
) -> dict[str, dict[str, Any]]:
    """Columns of the test, by the name of the proxy."""
    if not further:
        return {}
    controlled = np.stack([counted[name] for name in CONTROLLED], axis=1)
    found = added_value(
        np.stack(list(further.values()), axis=1), scores, controlled, settings.added_value, settings.seed
    )
    return {name: _columns(found, index, settings) for index, name in enumerate(further)}


def _columns(found: AddedValue, index: int, settings: CorrelationSettings) -> dict[str, Any]:
    statistic, p_value, detectable = found.statistic[index], found.p_value[index], found.detectable[index]
    accepted = bool(p_value <= settings.added_value.level and np.isfinite(detectable))
    return {"added": statistic, "added_p": p_value, "added_detectable": detectable, "accepted": accepted}
