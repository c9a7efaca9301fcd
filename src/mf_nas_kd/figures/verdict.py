"""The answer of a study in sentences: do low-fidelity evaluations tell more than counting does?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mf_nas_kd.figures.correlation import PROXY, fraction_text
from mf_nas_kd.records import Fidelity, Metric
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.records.proxies import PROXY_LABELS
from mf_nas_kd.statistics import AddedValueSettings

PROXY_NAMES = {
    "macs": "MACs",
    "params": "parameter count",
    "live_params": "live parameter count",
    "latency_ms": "latency",
    **PROXY_LABELS,
}


def verdict(
    table: pd.DataFrame,
    comparison: pd.DataFrame,
    settings: AddedValueSettings,
    savings: str | None = None,
    metric: Metric = ACCURACY,
) -> list[str]:
    """Conclusions of a study, as sentences for a reader who does not know the paper.

    Claims are tested in a fixed order: that distillation ranks better or worse is claimed only where some low fidelity
    is shown to add information. So one false claim or more is made with a probability of at most ``settings.level``.

    Args:
        table: ``correlation_table``.
        comparison: ``distillation_comparison``.
        settings: Level and power of the claims.
        savings: A sentence on what low-fidelity evaluations saved or lost; None for none.
        metric: The metric that was compared, for the words.

    Returns:
        The sentences; the first one is the answer: ``Yes``, ``No evidence``, or that it cannot be told.

    References:
        Maurer, Hothorn and Lehmacher (1995). Multiple comparisons in drug clinical trials and preclinical assays: a
        priori ordered hypotheses. Biometrie in der Chemisch-Pharmazeutischen Industrie 6.
    """
    low = table[table["role"] == "low"]
    proxies = table[table["role"] == "free"]
    if low.empty:
        return ["There is no low fidelity whose ranking could be compared.", *_savings(savings)]
    adds = _adding(low, settings.level)
    return [
        _answer(low, adds, proxies, settings.power, metric),
        *_ranking(low, adds, proxies),
        *_comparison(comparison, settings.level, claims=not adds.empty),
        _ceiling(table, metric),
        *_savings(savings),
    ]


def _savings(savings: str | None) -> list[str]:
    return [] if savings is None else [savings]


def _adding(low: pd.DataFrame, level: float) -> pd.DataFrame:
    """The low fidelities that are shown to add information, the most certain first."""
    told = low[(low["added_p"] <= level) & low["added_detectable"].notna()]
    return told.sort_values(["added_p", "added"], ascending=[True, False])


def _answer(low: pd.DataFrame, adds: pd.DataFrame, proxies: pd.DataFrame, power: float, metric: Metric) -> str:
    counting, n = _counting(proxies), _candidates(low)
    if low["added_detectable"].isna().all():
        return (
            f"Whether low-fidelity evaluations add information beyond {counting} cannot be told from {n}: so few, or "
            "ones so alike, would show only an effect that is nearly perfect."
        )
    if adds.empty:
        best = low.iloc[int(low["added"].argmax())]
        return (
            f"No evidence that low-fidelity evaluations add information beyond {counting}: of {len(low)} low "
            f"fidelities on {n}, the highest semi-partial correlation with the {metric.label} of high-fidelity "
            f"evaluations is {best['added']:.2f} ({name_of(best)}; family-wise p = {best['added_p']:.2g}). One of "
            f"{low['added_detectable'].max():.2f} would have been found in {100 * power:.0f} % of such studies."
        )
    named = "; ".join(f"{name_of(row)}: {row['added']:.2f}, p = {row['added_p']:.2g}" for _, row in adds.iterrows())
    return (
        f"Yes: low-fidelity evaluations add information beyond {counting}. {len(adds)} of {len(low)} low fidelities do "
        f"on {n} (semi-partial correlation with the {metric.label} of high-fidelity evaluations, and family-wise p "
        f"value of a permutation test): {named}."
    )


def _ranking(low: pd.DataFrame, adds: pd.DataFrame, proxies: pd.DataFrame) -> list[str]:
    """Agreement of one low fidelity and of the better zero-cost proxy, side by side; no claim."""
    defined = low[low["kendall"].notna()]
    if defined.empty:
        return ["No low fidelity has a defined rank agreement: too few candidates, or all are equally good."]
    best, chosen = _best(defined), f"the highest of {len(defined)}, so the estimate is optimistic"
    if not adds.empty:
        best, chosen = adds.iloc[0], f"the clearest of {len(defined)}, so the estimate is optimistic"
    sentence = (
        f"{_where(best)} the ranking of the candidates agrees with that of high-fidelity evaluations by Kendall's tau "
        f"{_interval(best, 'kendall')} ({chosen}; {_candidates(low)}), at {100 * best['relative_cost']:.0f} % of their "
        "cost"
    )
    counted = proxies[proxies["kendall"].notna()]
    if counted.empty:
        return [f"{sentence}."]
    proxy = _best(counted)
    better = f"the best of {len(counted)} zero-cost proxies, {_proxy_name(proxy)}, agrees by"
    return [f"{sentence}; {better} {_interval(proxy, 'kendall')} at no cost."]


def _comparison(comparison: pd.DataFrame, level: float, claims: bool) -> list[str]:
    """One sentence on plain against distilled evaluations; none without both kinds."""
    if comparison.empty:
        return []
    told = comparison[comparison["p_value"] <= level]
    count = f"{len(comparison)} comparison{'s' if len(comparison) > 1 else ''}"
    start = f"Distilled against plain low-fidelity evaluations that differ in nothing else ({count}): "
    if claims and not told.empty:
        parts = [f"{_direction(row)}, {_difference(row)}" for _, row in told.iterrows()]
        return [f"{start}{'; '.join(parts)} (simultaneous intervals)."]
    largest = comparison.iloc[int(comparison["difference"].abs().fillna(-1).argmax())]
    why = (
        "the intervals leave open whether distillation ranks better or worse"
        if claims or told.empty
        else "no conclusion is drawn, because no low fidelity is shown to add information"
    )
    return [f"{start}{why}. The largest difference is that of {_difference(largest)}."]


def _direction(row: pd.Series) -> str:
    return f"{name_of(row)} ranks {'better' if row['difference'] > 0 else 'worse'} than plain"


def _difference(row: pd.Series) -> str:
    return (
        f"{name_of(row)}, Kendall's tau {row['distilled']:.2f} against {row['plain']:.2f}, difference "
        f"{_interval(row, 'difference')}, {_count(int(row['n']))}"
    )


def _ceiling(table: pd.DataFrame, metric: Metric) -> str:
    """What a low fidelity can reach at most: agreement between seeds of one high-fidelity training."""
    between = table[(table["role"] == "ceiling") & table["kendall"].notna()]
    if not between.empty:
        row = between.iloc[0]
        return (
            "High-fidelity evaluations that differ in the seed only agree by Kendall's tau "
            f"{_interval(row, 'kendall')} ({_count(int(row['n']))}): a low fidelity cannot be expected to agree much "
            "more."
        )
    unknown = (
        "How much a low fidelity could agree at most is not known: there is one seed of the high-fidelity evaluations; "
        "evaluation.seeds=2 measures it"
    )
    full = table[(table["role"] == "full") & table["kendall"].notna()]
    if full.empty:
        return f"{unknown}."
    return (
        f"{unknown}. Validation and test {metric.label} of one and the same high-fidelity evaluation agree by "
        f"Kendall's tau {_interval(full.iloc[0], 'kendall')} ({_count(int(full.iloc[0]['n']))}); two seeds agree less."
    )


def _best(rows: pd.DataFrame) -> pd.Series:
    """The row with the highest tau; the first one of equals."""
    return rows.iloc[int(rows["kendall"].to_numpy().argmax())]


def _counting(proxies: pd.DataFrame) -> str:
    names = [_proxy_name(row) for _, row in proxies.iterrows()]
    return _listed(names) if names else "zero-cost proxies"


def _proxy_name(row: pd.Series) -> str:
    name = str(row["distillation"]).removeprefix(PROXY)
    return PROXY_NAMES.get(name, name)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _candidates(low: pd.DataFrame) -> str:
    fewest, most = int(low["n"].min()), int(low["n"].max())
    return _count(most) if fewest == most else f"{fewest} to {most} candidates"


def _count(n: int) -> str:
    return f"{n} candidate{'' if n == 1 else 's'}"


def name_of(row: pd.Series) -> str:
    """Short name of a low fidelity: ``kd at 1/9, 12 epochs``."""
    method = "plain" if row["distillation"] == "none" else row["distillation"]
    return f"{method} at {fraction_text(row['train_fraction'])}, {row['epochs']} epochs{_reductions(row)}"


def _where(row: pd.Series) -> str:
    method = "plain cross-entropy" if row["distillation"] == "none" else row["distillation"]
    schedule = f"{fraction_text(row['train_fraction'])} of the training images, {row['epochs']} epochs"
    return f"At {schedule}{_reductions(row)}, with {method},"


def _reductions(row: pd.Series) -> str:
    return "".join(f" and {reduction}" for reduction in Fidelity.from_row(row.to_dict()).reductions)


def _interval(row: pd.Series, statistic: str) -> str:
    if not np.isfinite(row[statistic]):
        return "an undefined amount"
    low, high = row[f"{statistic}_low"], row[f"{statistic}_high"]
    if not np.isfinite(low + high):
        return f"{row[statistic]:.2f} [too few candidates for an interval]"
    return f"{row[statistic]:.2f} [{low:.2f}, {high:.2f}]"
