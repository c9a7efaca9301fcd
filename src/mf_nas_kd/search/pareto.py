"""The front of accuracy against cost."""

from __future__ import annotations

import pandas as pd


def pareto_front(table: pd.DataFrame) -> pd.DataFrame:
    """The rows than which no other is both cheaper (or as cheap) and better (or as good), cheapest first.

    Args:
        table: Columns ``macs`` (less is better) and ``val_accuracy`` (more is better), and any others.
    """
    ordered = table.sort_values(["macs", "val_accuracy"], ascending=[True, False], kind="stable")
    best_of_cheaper = ordered["val_accuracy"].cummax().shift(fill_value=-1.0)
    return ordered[ordered["val_accuracy"] > best_of_cheaper].reset_index(drop=True)
