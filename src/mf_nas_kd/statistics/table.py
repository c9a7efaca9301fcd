"""The correlation table: every kind of short training, and every free predictor, against full training."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from mf_nas_kd.records import FIDELITY_COLUMNS, Fidelity
from mf_nas_kd.statistics.bootstrap import BootstrapSettings, estimate_columns
from mf_nas_kd.statistics.correlation import RankAgreement, rank_agreement

FREE_PREDICTORS = ("macs", "params")
KIND = tuple(dict.fromkeys(("role", "distillation", "train_fraction", "epochs", *FIDELITY_COLUMNS)))


def correlation_table(measured: pd.DataFrame, full: pd.DataFrame, settings: BootstrapSettings) -> pd.DataFrame:
    """Agreement of each cheap measurement with full training.

    The cheap measurement is the validation accuracy of a short training, the truth the test accuracy of the full one:
    they share no images, so that the luck of one split does not pass for agreement. Free predictors enter as
    logarithms; the partial correlation holds the logarithms of both fixed.

    Args:
        measured: Finished evaluations, one a row: ``architecture_id, val_accuracy, cost_seconds`` and the columns
            ``KIND`` that tell the kinds apart; the full fidelity may be among them, with the role ``full``.
        full: Finished full trainings, one an architecture: ``architecture_id, test_accuracy, cost_seconds, macs,
            params, dataset, space``.
        settings: Of the bootstrap.

    Returns:
        A row for each kind, cheapest first, then one for each free predictor (``proxy:macs``), which has cost,
        fraction and epochs of zero.
    """
    rows = []
    for kind, group in measured.groupby(list(KIND), dropna=False):
        both = group.merge(full, on="architecture_id", suffixes=("", "_full"))
        agreement = rank_agreement(
            both["val_accuracy"], both["test_accuracy_full"], _free_predictors(both, "_full"), settings
        )
        relative_cost = both["cost_seconds"].mean() / both["cost_seconds_full"].mean() if len(both) else np.nan
        rows.append({**dict(zip(KIND, kind, strict=True)), "relative_cost": relative_cost, **_columns(agreement)})
    for name in FREE_PREDICTORS:
        agreement = rank_agreement(np.log(full[name]), full["test_accuracy"], None, settings)
        kind = {
            **Fidelity(Fraction(1), epochs=1).to_row(),
            "role": "free",
            "distillation": f"proxy:{name}",
            "train_fraction": 0.0,
            "epochs": 0,
            "relative_cost": 0.0,
        }
        rows.append({**kind, **_columns(agreement)})
    table = pd.DataFrame(rows)
    place = table["role"].map({"low": 0, "full": 1, "free": 2})
    table = table.assign(place=place).sort_values(["place", "train_fraction", "epochs", "distillation"])
    identity = {"dataset": full["dataset"].iloc[0], "space": full["space"].iloc[0]}
    first = [*identity, *KIND, "n"]
    table = table.drop(columns="place").assign(**identity)
    return table[[*first, *(c for c in table if c not in first and c != "relative_cost"), "relative_cost"]].reset_index(
        drop=True
    )


def _free_predictors(table: pd.DataFrame, suffix: str) -> np.ndarray:
    return np.log(table[[f"{name}{suffix}" for name in FREE_PREDICTORS]].to_numpy(dtype=float))


def _columns(agreement: RankAgreement) -> dict[str, Any]:
    """``n``, ``kendall``, ``kendall_low``, ``kendall_high`` and so on."""
    columns: dict[str, Any] = {"n": agreement.n}
    for name in (field.name for field in fields(agreement) if field.name != "n"):
        columns |= estimate_columns(name, getattr(agreement, name))
    return columns
