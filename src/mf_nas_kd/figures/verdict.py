"""The answer of a study in sentences: do low-fidelity evaluations rank the candidates as high-fidelity ones do?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mf_nas_kd.figures.correlation import PROXY, fraction_text
from mf_nas_kd.records import Fidelity


def verdict(table: pd.DataFrame) -> list[str]:
    """Conclusions from the correlation table, as sentences for a reader who does not know the paper.

    Args:
        table: ``correlation_table``, with the zero-cost proxies ``macs`` and ``params``.

    Returns:
        The sentences; the first one is the answer to the question.
    """
    low = table[(table["role"] == "low") & table["kendall"].notna()]
    if low.empty:
        return [
            "No low fidelity has a defined rank agreement: there are too few candidates, or all have the same accuracy."
        ]
    best = _best(low)
    sentences = [
        _answer(best, table[table["role"] == "free"]),
        f"This is the best of {len(low)} low fidelities, chosen after all of them were measured on {int(best['n'])} "
        "candidates, so the estimate is optimistic; the bootstrap intervals do not account for the choice.",
        _beyond_proxies(low),
        *_plain_against_distilled(low),
    ]
    full = table[(table["role"] == "full") & np.isfinite(table["kendall"])]
    if not full.empty:
        sentences.append(
            "For comparison, validation and test accuracy of one and the same high-fidelity evaluation agree by "
            f"Kendall's tau {_interval(full.iloc[0], 'kendall')}: a low fidelity cannot be expected to agree much more."
        )
    return sentences


def _best(rows: pd.DataFrame) -> pd.Series:
    """The row with the highest tau; the first one of equals."""
    return rows.iloc[int(rows["kendall"].to_numpy().argmax())]


def _answer(best: pd.Series, proxies: pd.DataFrame) -> str:
    by_name = {row["distillation"].removeprefix(PROXY): row for _, row in proxies.iterrows()}
    macs, params = (_interval(by_name[name], "kendall") for name in ("macs", "params"))
    return (
        f"{_where(best)} the ranking of the candidates agrees with that of high-fidelity evaluations by Kendall's tau "
        f"{_interval(best, 'kendall')}, at {100 * best['relative_cost']:.0f} % of their cost. The zero-cost proxies "
        f"agree by {macs} (MACs) and {params} (parameter count); given both, the partial tau of the low-fidelity "
        f"evaluation is {_interval(best, 'partial_kendall')}. {_conclusion(best, proxies['kendall'].max())}"
    )


def _conclusion(best: pd.Series, best_proxy: float) -> str:
    if not best["kendall_low"] > 0:
        return "On this evidence no low fidelity ranks the candidates reliably: the interval includes no agreement."
    if best["partial_kendall_low"] > 0:
        return "It therefore adds information that the zero-cost proxies do not have, and is worth its cost."
    comparison = "better" if best["kendall"] > best_proxy else "less well"
    return (
        f"It ranks the candidates, {comparison} than the zero-cost proxies do, but its interval leaves open whether it "
        "adds information beyond MACs and parameter count."
    )


def _beyond_proxies(low: pd.DataFrame) -> str:
    """The low fidelities that add information beyond the zero-cost proxies, each by its own interval."""
    adding = low[low["partial_kendall_low"] > 0].sort_values("partial_kendall", ascending=False)
    given = "Given MACs and parameter count"
    if adding.empty:
        return f"{given}, none of the {len(low)} low fidelities adds information by its own interval."
    named = "; ".join(f"{_short_name(row)} {_interval(row, 'partial_kendall')}" for _, row in adding.iterrows())
    return (
        f"{given}, {len(adding)} of the {len(low)} low fidelities add information by their own intervals (which are "
        f"not corrected for multiple comparisons): {named}."
    )


def _plain_against_distilled(low: pd.DataFrame) -> list[str]:
    """One sentence on the paper's claim, with a comparison for each training-set fraction; none without both kinds."""
    parts = []
    for fraction, rows in low.groupby("train_fraction"):
        plain, distilled = rows[rows["distillation"] == "none"], rows[rows["distillation"] != "none"]
        if plain.empty or distilled.empty:
            continue
        best = _best(distilled)
        parts.append(
            f"at {fraction_text(float(str(fraction)))} plain {_best(plain)['kendall']:.2f}, "
            f"best distillation ({best['distillation']}) {best['kendall']:.2f}"
        )
    if not parts:
        return []
    return [f"Low-fidelity evaluations without and with distillation, Kendall's tau: {'; '.join(parts)}."]


def _short_name(row: pd.Series) -> str:
    method = "plain" if row["distillation"] == "none" else row["distillation"]
    return f"{method} at {fraction_text(row['train_fraction'])}{_reductions(row)}"


def _where(row: pd.Series) -> str:
    method = "plain cross-entropy" if row["distillation"] == "none" else row["distillation"]
    schedule = f"{fraction_text(row['train_fraction'])} of the training images, {row['epochs']} epochs"
    return f"At {schedule}{_reductions(row)}, with {method},"


def _reductions(row: pd.Series) -> str:
    return "".join(f" and {reduction}" for reduction in Fidelity.from_row(row.to_dict()).reductions)


def _interval(row: pd.Series, statistic: str) -> str:
    if not np.isfinite(row[statistic]):
        return "an undefined amount"
    return f"{row[statistic]:.2f} [{row[f'{statistic}_low']:.2f}, {row[f'{statistic}_high']:.2f}]"
