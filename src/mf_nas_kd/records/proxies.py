"""Names of the zero-cost proxies that need a network or other candidates, and how a reader knows them.

What computes them is in :mod:`mf_nas_kd.proxies`, which needs torch; tables, searches and reports know them by these
names only.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

PROXY_LABELS: Mapping[str, str] = {
    "naswot": "NASWOT",
    "synflow": "SynFlow",
    "zico": "ZiCo",
    "expressivity": "expressivity",
    "progressivity": "progressivity",
    "trainability": "trainability",
    "az_nas": "AZ-NAS",
    "teacher_similarity": "similarity to the teacher",
    "live_macs": "MACs of live edges",
}
"""Label of each proxy, by its name, which is also the name of its column."""


def proxy_columns(table: pd.DataFrame) -> tuple[str, ...]:
    """Names of the proxies that a table of candidates has columns of.

    >>> proxy_columns(pd.DataFrame({"architecture_id": ["a"], "naswot": [1.0], "naswot_seconds": [0.1]}))
    ('naswot',)
    """
    return tuple(name for name in PROXY_LABELS if name in table)
