"""The answer in sentences: can short trainings be trusted on these images?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mf_nas_kd.figures.correlation import fraction_text
from mf_nas_kd.records import Fidelity


def verdict(table: pd.DataFrame) -> list[str]:
    """Sentences for somebody who has not read the paper; the first one is the answer.

    Args:
        table: ``correlation_table``.
    """
    short = table[(table["role"] == "low") & table["kendall"].notna()]
    if short.empty:
        return [
            "No short training has a defined rank agreement: there are too few candidates, or all are equally good."
        ]
    best = short.loc[short["kendall"].idxmax()]
    free = table[table["role"] == "free"].set_index("distillation")
    macs, params = (_interval(free.loc[f"proxy:{name}"], "kendall") for name in ("macs", "params"))
    sentences = [
        f"{_where(best)} the ranking agrees with full training by Kendall {_interval(best, 'kendall')}, at "
        f"{100 * best['relative_cost']:.0f} % of the price; operations alone, for free, give {macs}, parameters alone "
        f"{params}; given operations and parameters, the short training still adds "
        f"{_interval(best, 'partial_kendall')}. {_so(best, free['kendall'].max())}",
        f"This is the best of {len(short)} kinds of short training, picked after seeing all of them on "
        f"{int(best['n'])} candidates, so it flatters; the bootstrap intervals do not know of the picking.",
    ]
    sentences += [_beyond_free(short), *_plain_against_distilled(short)]
    full = table[table["role"] == "full"]
    if not full.empty and np.isfinite(full.iloc[0]["kendall"]):
        sentences.append(
            "For comparison, validation and test accuracy of one and the same full training agree by Kendall "
            f"{_interval(full.iloc[0], 'kendall')}: much more than that cannot be asked of a short training."
        )
    return sentences


def _kind(row: pd.Series) -> str:
    method = "plain" if row["distillation"] == "none" else row["distillation"]
    return f"{method} at {fraction_text(row['train_fraction'])}{_reductions(row)}"


def _where(row: pd.Series) -> str:
    method = "plain cross-entropy" if row["distillation"] == "none" else row["distillation"]
    schedule = f"{fraction_text(row['train_fraction'])} of the images, {row['epochs']} epochs"
    return f"At {schedule}{_reductions(row)}, with {method}"


def _reductions(row: pd.Series) -> str:
    return "".join(f" and {reduction}" for reduction in Fidelity.from_row(row.to_dict()).reductions)


def _interval(row: pd.Series, statistic: str) -> str:
    if not np.isfinite(row[statistic]):
        return "an undefined amount"
    return f"{row[statistic]:.2f} [{row[f'{statistic}_low']:.2f}, {row[f'{statistic}_high']:.2f}]"


def _so(best: pd.Series, best_free: float) -> str:
    if not best["kendall_low"] > 0:
        return "So on this evidence no short training can be trusted: its interval includes no agreement at all."
    if best["partial_kendall_low"] > 0:
        return "So it tells something that counting does not, and is worth its price."
    comparison = "better" if best["kendall"] > best_free else "less well"
    return (
        f"So it does rank candidates, {comparison} than counting does, but its interval leaves open whether it tells "
        "anything that operations and parameters do not tell for free."
    )


def _beyond_free(short: pd.DataFrame) -> str:
    """Which kinds add something beyond the free predictors, each by its own interval."""
    adding = short[short["partial_kendall_low"] > 0].sort_values("partial_kendall", ascending=False)
    given = "Given operations and parameters"
    if adding.empty:
        return f"{given}, none of the {len(short)} kinds adds anything by its own interval."
    kinds = "; ".join(f"{_kind(row)} {_interval(row, 'partial_kendall')}" for _, row in adding.iterrows())
    return (
        f"{given}, {len(adding)} of the {len(short)} kinds add something by their own intervals (which do not know of "
        f"each other): {kinds}."
    )


def _plain_against_distilled(short: pd.DataFrame) -> list[str]:
    """One sentence on the paper's claim, for each fraction."""
    parts = []
    for fraction, rows in short.groupby("train_fraction"):
        plain, imitating = rows[rows["distillation"] == "none"], rows[rows["distillation"] != "none"]
        if plain.empty or imitating.empty:
            continue
        best = imitating.loc[imitating["kendall"].idxmax()]
        parts.append(
            f"at {fraction_text(fraction)} plain {plain.iloc[0]['kendall']:.2f}, "
            f"best imitation ({best['distillation']}) {best['kendall']:.2f}"
        )
    return (
        [f"Plain short trainings against those that imitate the teacher, Kendall: {'; '.join(parts)}."] if parts else []
    )
