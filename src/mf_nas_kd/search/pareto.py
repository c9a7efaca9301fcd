"""Pareto front of accuracy against cost."""

from __future__ import annotations

import pandas as pd


def pareto_front(table: pd.DataFrame, score: str, cost: str = "macs") -> pd.DataFrame:
    """Non-dominated rows of a table, by rising cost.

    A row is dominated by another one with at most its cost and at least its score. Of rows that are equal in both, the
    first stays.

    Args:
        table: Columns of the cost (less is better), the score (more is better, not negative), and any others.
        score: Column of the score.
        cost: Column of the cost.

    >>> table = pd.DataFrame({"macs": [3, 1, 2], "val_accuracy": [0.7, 0.5, 0.7]})
    >>> pareto_front(table, "val_accuracy")["macs"].tolist()
    [1, 2]
    """
    ordered = table.sort_values([cost, score], ascending=[True, False], kind="stable")
    best_of_cheaper = ordered[score].cummax().shift(fill_value=-1.0)
    return ordered[ordered[score] > best_of_cheaper].reset_index(drop=True)
