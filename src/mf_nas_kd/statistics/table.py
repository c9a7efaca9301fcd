"""The correlation table: every low fidelity and every zero-cost proxy against high-fidelity evaluations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mf_nas_kd.records import FIDELITY_COLUMNS, Fidelity
from mf_nas_kd.records.tables import completed
from mf_nas_kd.statistics.added_value import added_value
from mf_nas_kd.statistics.bootstrap import estimate_columns
from mf_nas_kd.statistics.ceiling import mean_over_seeds, seed_agreement
from mf_nas_kd.statistics.correlation import RankAgreement, rank_agreement
from mf_nas_kd.statistics.proxies import CONTROLLED, log_proxies, scored_proxies
from mf_nas_kd.statistics.settings import CorrelationSettings

ROW_KEYS = tuple(dict.fromkeys(("role", "distillation", "train_fraction", "epochs", *FIDELITY_COLUMNS)))
"""Columns that tell the rows of the table apart."""

ORDER = {"low": 0, "full": 1, "ceiling": 2, "free": 3}
"""Order of the roles in the table; the role of a zero-cost proxy is ``free``."""

ADDED = ("added", "added_p", "added_detectable")
"""Columns of the added value: semi-partial correlation, family-wise p value, smallest detectable correlation."""


def correlation_table(
    measured: pd.DataFrame,
    full: pd.DataFrame,
    settings: CorrelationSettings,
    repeats: pd.DataFrame | None = None,
    accepted: Collection[str] = (),
) -> pd.DataFrame:
    """Rank agreement of each cheap measurement with high-fidelity evaluations.

    The cheap measurement is the validation score at a low fidelity, the reference the test score at the target
    fidelity, as its mean over seeds: they share no images, so that chance in one split does not count as agreement.
    Zero-cost proxies enter as logarithms; the partial correlation holds the logarithms of MACs and parameters fixed,
    the test of added value every proxy of the table.

    Args:
        measured: Finished evaluations, one a row: ``architecture_id``, both scores (see
            :meth:`mf_nas_kd.records.metrics.Metric.scored`), ``cost_seconds`` and the columns ``ROW_KEYS``; the target
            fidelity may be among them, with the role ``full``.
        full: Finished high-fidelity evaluations, one an architecture: the columns of architecture and costs,
            ``test_score``, ``cost_seconds``, ``dataset``.
        settings: Settings of bootstrap and permutations.
        repeats: Finished high-fidelity evaluations with further seeds; None for none.
        accepted: Names of further proxies, columns of ``full``, that are shown to add to MACs and parameters: low
            fidelities have to add to these as well.

    Returns:
        A row for each fidelity, by training-set fraction, epochs and distillation, the target fidelity after the low
        ones; with ``repeats``, one with the role ``ceiling`` for the agreement between seeds of the target fidelity;
        then one for each zero-cost proxy (``proxy:macs``), whose cost, fraction and epochs are zero. The columns
        ``ADDED`` are those of :func:`mf_nas_kd.statistics.added_value.added_value` over all low fidelities, and empty
        in other rows.

    >>> full = pd.DataFrame({
    ...     "architecture_id": ["a", "b", "c", "d"], "space": "example", "architecture": "{}", "dataset": "digits",
    ...     "macs": [100, 200, 300, 400], "params": [30, 10, 40, 20],
    ...     "test_score": [0.5, 0.7, 0.6, 0.8], "cost_seconds": 10.0,
    ... })
    >>> low = full.assign(
    ...     role="low", **Fidelity(Fraction(1, 9), 2, distillation="kd").to_row(),
    ...     val_score=[0.1, 0.2, 0.3, 0.4], cost_seconds=1.0,
    ... )
    >>> from mf_nas_kd.statistics.settings import AddedValueSettings
    >>> added = AddedValueSettings(permutations=99, level=0.05, power=0.8)
    >>> settings = CorrelationSettings(resamples=10, level=0.95, seed=0, added_value=added)
    >>> table = correlation_table(low, full, settings)
    >>> table[["distillation", "n", "kendall", "relative_cost"]].round(2).values.tolist()
    [['kd', 4, 0.67, 0.1], ['proxy:macs', 4, 0.67, 0.0], ['proxy:params', 4, -0.33, 0.0]]
    """
    measured, full = completed(measured, Fidelity), completed(full, Fidelity)
    repeats = full.head(0) if repeats is None else completed(repeats, Fidelity)
    ceiling, full = seed_agreement(full, repeats, settings), mean_over_seeds(full, repeats)
    further = {name: scores for name, scores in scored_proxies(full).items() if name in accepted}
    proxies = pd.DataFrame({**further, **log_proxies(full)}).add_prefix("log_")
    proxies["architecture_id"] = full["architecture_id"].to_numpy()
    rows = []
    for kind, group in measured.groupby(list(ROW_KEYS), dropna=False):
        both = group.merge(full, on="architecture_id", suffixes=("", "_full")).merge(proxies, on="architecture_id")
        agreement = rank_agreement(both["val_score"], both["test_score_full"], _controlled(both), settings)
        relative_cost = both["cost_seconds"].mean() / both["cost_seconds_full"].mean() if len(both) else np.nan
        rows.append({**dict(zip(ROW_KEYS, kind, strict=True)), **_columns(agreement), "relative_cost": relative_cost})
    if ceiling is not None:
        rows.append({**_of_target(full), "role": "ceiling", **_columns(ceiling), "relative_cost": 1.0})
    for name in proxies.columns.drop("architecture_id"):
        agreement = rank_agreement(proxies[name], full["test_score"], None, settings)
        rows.append({**_proxy_row(name.removeprefix("log_")), **_columns(agreement), "relative_cost": 0.0})
    table = pd.DataFrame(rows).assign(dataset=full["dataset"].iloc[0], space=full["space"].iloc[0])
    return _with_added_value(_in_order(table), measured, full, proxies, settings)


def _with_added_value(
    table: pd.DataFrame,
    measured: pd.DataFrame,
    full: pd.DataFrame,
    proxies: pd.DataFrame,
    settings: CorrelationSettings,
) -> pd.DataFrame:
    """The table with the columns ``ADDED``, before its last one."""
    low = measured[measured["role"] == "low"]
    accuracies = {
        kind: rows.set_index("architecture_id")["val_score"].reindex(full["architecture_id"]).to_numpy(dtype=float)
        for kind, rows in low.groupby(list(ROW_KEYS), dropna=False)
    }
    table = table.assign(**dict.fromkeys(ADDED, np.nan))[[*table.columns[:-1], *ADDED, table.columns[-1]]]
    if accuracies:
        controlled = proxies.drop(columns="architecture_id").to_numpy(dtype=float)
        x, y = np.stack(list(accuracies.values()), axis=1), full["test_score"].to_numpy(dtype=float)
        found = added_value(x, y, controlled, settings.added_value, settings.seed)
        numbers = np.stack([found.statistic, found.p_value, found.detectable], axis=1)
        by_kind = dict(zip(map(_comparable, accuracies), numbers, strict=True))
        for index in table.index[table["role"] == "low"]:
            table.loc[index, list(ADDED)] = by_kind[_comparable(tuple(table.loc[index, list(ROW_KEYS)]))]
    return table


def _comparable(kind: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of ``ROW_KEYS``, where what is missing equals what is missing."""
    return tuple(None if pd.isna(value) else value for value in kind)


def _of_target(full: pd.DataFrame) -> dict[str, Any]:
    return {name: full[name].iloc[0] for name in FIDELITY_COLUMNS}


def _controlled(both: pd.DataFrame) -> NDArray[np.float64]:
    return both[[f"log_{name}" for name in CONTROLLED]].to_numpy(dtype=float)


def _proxy_row(name: str) -> dict[str, Any]:
    """A proxy has no fidelity: what a fidelity has by default, at no images and no epochs."""
    nothing = {"role": "free", "distillation": f"proxy:{name}", "train_fraction": 0.0, "epochs": 0}
    return {**Fidelity(Fraction(1), epochs=1).to_row(), **nothing}


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["train_fraction", "epochs", "distillation"]
    ordered = table.assign(order=table["role"].map(ORDER)).sort_values(["order", *keys]).reset_index(drop=True)
    first = ["dataset", "space", *ROW_KEYS, "n"]
    return ordered[[*first, *(name for name in table if name not in {*first, "relative_cost"}), "relative_cost"]]


def _columns(agreement: RankAgreement) -> dict[str, Any]:
    """``n``, ``kendall``, ``kendall_low``, ``kendall_high`` and so on."""
    columns: dict[str, Any] = {"n": agreement.n}
    for name in (field.name for field in fields(agreement) if field.name != "n"):
        columns |= estimate_columns(name, getattr(agreement, name))
    return columns
