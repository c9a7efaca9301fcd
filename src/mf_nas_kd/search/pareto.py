"""Pareto front of accuracy against cost."""

from __future__ import annotations

import pandas as pd


def pareto_front(table: pd.DataFrame, score: str) -> pd.DataFrame:
    """Non-dominated rows of a table, by rising multiply-accumulates.

    A row is dominated by another one with at most as many multiply-accumulates and at least its score. Of rows that
    are equal in both, the first stays.

    Args:
        table: Columns ``macs`` (less is better), the score (more is better, not negative), and any others.
        score: Column of the score.

    >>> table = pd.DataFrame({"macs": [3, 1, 2], "val_accuracy": [0.7, 0.5, 0.7]})
    >>> pareto_front(table, "val_accuracy")["macs"].tolist()
    [1, 2]
    """
    ordered = table.sort_values(["macs", score], ascending=[True, False], kind="stable")
    best_of_cheaper = ordered[score].cummax().shift(fill_value=-1.0)
    return ordered[ordered[score] > best_of_cheaper].reset_index(drop=True)
