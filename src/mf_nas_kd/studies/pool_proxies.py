"""Zero-cost proxies that the models of a search see: those that earned it on the candidates of the study."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pandas as pd

from mf_nas_kd.records import Architecture, Metric
from mf_nas_kd.records.proxies import proxy_columns
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.statistics import CorrelationSettings
from mf_nas_kd.statistics.proxies import further_proxies
from mf_nas_kd.statistics.proxy_value import accepted_proxies
from mf_nas_kd.studies.plan import finished_evaluations

logger = logging.getLogger(__name__)

Compute = Callable[[Sequence[Architecture], tuple[str, ...]], pd.DataFrame]
"""From architectures and names of proxies to a table of them, as :func:`.candidate_proxies.proxies_of` returns it."""


def accepted_of_pool(
    pool: pd.DataFrame,
    candidate_proxies: pd.DataFrame,
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    settings: CorrelationSettings,
    metric: Metric,
    compute: Compute,
) -> pd.DataFrame:
    """Proxies of the candidates of a search that are shown to add to MACs and parameters.

    They are tested on what a search knows: validation scores of the study's high-fidelity evaluations, averaged over
    seeds. Test scores decide nothing.

    Args:
        pool: The candidates of the search.
        candidate_proxies: Proxies of the candidates of the study.
        plan: The plan of the study.
        evaluations: The planned evaluations.
        settings: Settings of the permutations.
        metric: The metric that selects.
        compute: Computes proxies of architectures; called for those that are accepted.

    Returns:
        ``architecture_id``, and a column for each accepted proxy; no further column where none is.

    Raises:
        MissingEvaluationError: If planned evaluations are missing, or no high-fidelity evaluation finished.
    """
    finished = metric.scored(finished_evaluations(plan, evaluations))
    full = finished[finished["role"].isin(["full", "repeat"])]
    scores = full.groupby("architecture_id")["val_score"].mean()
    known = full.drop_duplicates("architecture_id").merge(candidate_proxies, on="architecture_id", how="left")
    ordered = known["architecture_id"].map(scores).to_numpy(dtype=float)
    names = accepted_proxies(known, ordered, settings)
    told = ", ".join(names) if names else "none is shown to add to these"
    logger.info("Models see MACs, parameters and further zero-cost proxies: %s (%d candidates)", told, len(known))
    computed = tuple(name for name in names if name in proxy_columns(candidate_proxies))
    table = pool
    if computed:
        table = pool.merge(compute(records_of(pool, Architecture), computed), on="architecture_id", how="left")
    values = further_proxies(table)
    return pd.DataFrame({"architecture_id": pool["architecture_id"], **{name: values[name] for name in names}})
