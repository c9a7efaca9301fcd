"""Zero-cost proxies of a study: what each adds to MACs and parameters, as a sentence and as a small table."""

from __future__ import annotations

import pandas as pd

from mf_nas_kd.figures.numbers import is_known
from mf_nas_kd.figures.verdict import PROXY_NAMES
from mf_nas_kd.statistics.proxies import CONTROLLED


def proxies_sentence(table: pd.DataFrame) -> str:
    """Which proxies are shown to add to MACs and parameters, or what the test could have found.

    Args:
        table: ``proxy_table``.
    """
    tested = table[~table["proxy"].isin(CONTROLLED)]
    if tested.empty:
        return "No zero-cost proxy beside MACs and parameters was computed."
    n = int(tested["n"].iloc[0])
    accepted = tested[tested["accepted"]]
    if not accepted.empty:
        told = "; ".join(
            f"{_label(row['proxy'])}: {row['added']:.2f}, p = {row['added_p']:.2g}, {_seconds(row['seconds'])} each"
            for _, row in accepted.iterrows()
        )
        return (
            f"{len(accepted)} of {len(tested)} zero-cost proxies add to MACs and parameters on {n} candidates "
            f"(semi-partial correlation, family-wise p value): {told}."
        )
    if tested["added_detectable"].isna().all():
        return f"Whether a zero-cost proxy adds to MACs and parameters cannot be told from {n} candidates."
    best = tested.iloc[int(tested["added"].fillna(float("-inf")).argmax())]
    return (
        f"None of {len(tested)} zero-cost proxies is shown to add to MACs and parameters on {n} candidates: the "
        f"highest semi-partial correlation is {best['added']:.2f} ({_label(best['proxy'])}; family-wise p = "
        f"{best['added_p']:.2g}), one of {tested['added_detectable'].max():.2f} would probably have been found."
    )


def proxies_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table of proxies for the report: texts, one row a proxy.

    Args:
        table: ``proxy_table``.
    """
    return pd.DataFrame(
        {
            "proxy": table["proxy"].map(_label),
            "Kendall's tau": [_interval(row, "kendall") for _, row in table.iterrows()],
            "Spearman's rho": [_interval(row, "spearman") for _, row in table.iterrows()],
            "added": table["added"].map(_number),
            "p": table["added_p"].map(lambda value: f"{value:.2g}" if is_known(value) else ""),
            "detectable": table["added_detectable"].map(_number),
            "seconds": table["seconds"].map(_seconds),
        }
    )


def _label(name: str) -> str:
    return PROXY_NAMES.get(name, name)


def _number(value: float) -> str:
    return f"{value:.2f}" if is_known(value) else ""


def _seconds(value: float) -> str:
    return "0 s" if value == 0 else f"{value:.2g} s"


def _interval(row: pd.Series, statistic: str) -> str:
    low, high = row[f"{statistic}_low"], row[f"{statistic}_high"]
    ends = f" [{low:.2f}, {high:.2f}]" if is_known(low) and is_known(high) else ""
    return f"{_number(row[statistic])}{ends}"
