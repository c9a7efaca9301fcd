"""Pareto front of accuracy against cost."""

from __future__ import annotations

import pandas as pd


def pareto_front(table: pd.DataFrame) -> pd.DataFrame:
    """Non-dominated rows of a table, by rising multiply-accumulates.

    A row is dominated by another one with at most as many multiply-accumulates and at least its accuracy. Of rows that
    are equal in both, the first stays.

    Args:
        table: Columns ``macs`` (less is better) and ``val_accuracy`` (more is better, not negative), and any others.

    >>> table = pd.DataFrame({"macs": [3, 1, 2], "val_accuracy": [0.7, 0.5, 0.7]})
    >>> pareto_front(table)["macs"].tolist()
    [1, 2]
    """
    ordered = table.sort_values(["macs", "val_accuracy"], ascending=[True, False], kind="stable")
    best_of_cheaper = ordered["val_accuracy"].cummax().shift(fill_value=-1.0)
    return ordered[ordered["val_accuracy"] > best_of_cheaper].reset_index(drop=True)
