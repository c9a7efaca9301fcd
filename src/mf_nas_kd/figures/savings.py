"""What low-fidelity evaluations saved a search on a study's own evaluations, as a sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd

FEWEST_CANDIDATES = 10  # with fewer, a search is over before low-fidelity evaluations could tell anything
NOT_MEASURED = (
    "What low-fidelity evaluations save a search was not measured: the study has too few candidates, or the strategies "
    "that are compared are left out of the benchmark."
)


def savings_sentence(table: pd.DataFrame) -> str:
    """Whether low-fidelity evaluations paid, from replayed searches, in a few sentences for the report.

    Args:
        table: ``savings``. The task with the most candidates is reported.

    Returns:
        The answer first, then the zero-cost order and what the standard errors cover. Where seeds or candidates are too
        few, or the interval of the saving contains zero, it says so.
    """
    if table.empty:
        return NOT_MEASURED
    row = table.iloc[int(table["candidates"].to_numpy().argmax())]
    if not np.isfinite(row["saved_to_target_seconds"]):
        return (
            f"On this study's own evaluations of {row['candidates']} candidates, not every replayed search came within "
            f"{row['target_accuracy_points']:g} points of the best candidate within the benchmark's budget: what "
            "low-fidelity evaluations save cannot be told."
        )
    return " ".join(filter(None, [_costs(row), _zero_cost(row), _scope(row)]))


def _costs(row: pd.Series) -> str:
    costs = {side: _seconds(row, f"cost_to_target_seconds_{side}") for side in ("with", "without")}
    return (
        f"On this study's own evaluations of {row['candidates']} candidates, a search with low-fidelity evaluations "
        f"needs {costs['with']} to come within {row['target_accuracy_points']:g} points of the best candidate, without "
        f"them {costs['without']}: {_conclusion(row)}, {row['seeds']} seed{'s' if row['seeds'] > 1 else ''}."
    )


def _conclusion(row: pd.Series) -> str:
    percent, error = row["saved_to_target_percent"], row["saved_to_target_percent_standard_error"]
    if row["candidates"] < FEWEST_CANDIDATES:
        return f"{row['candidates']} candidates are too few to say whether they save anything"
    if not np.isfinite(error):
        return "one search of each kind is too few to say whether they save anything"
    amount = f"{abs(percent):.1f} % (standard error {error:.1f})"
    if row["low_fidelity_evaluations_with"] == 0:
        return "the search chose no low-fidelity evaluation, so they save nothing"
    if row["saved_to_target_seconds_low"] > 0:
        return f"they save {amount}"
    if row["saved_to_target_seconds_high"] < 0:
        return f"they lose {amount}"
    difference = "a saving" if percent >= 0 else "a loss"
    return f"it cannot be told whether they save or lose, the difference is {difference} of {amount}"


def _zero_cost(row: pd.Series) -> str:
    """What an order by a zero-cost proxy needs."""
    if not row["zero_cost"] or not np.isfinite(row["cost_to_target_seconds_zero_cost"]):
        return ""
    return (
        f"High-fidelity evaluations in the order of a zero-cost proxy alone ({row['zero_cost']}, the better of those "
        f"that were tried) need {row['cost_to_target_seconds_zero_cost']:.1f} s."
    )


def _scope(row: pd.Series) -> str:
    """What the numbers cover."""
    return (
        f"Searches were replayed: {row['low_fidelity_evaluations_with']:.1f} low- and "
        f"{row['high_fidelity_evaluations_with']:.1f} high-fidelity evaluations on average until the best was found, "
        f"against {row['high_fidelity_evaluations_without']:.1f} high-fidelity ones. Standard errors are over seeds of "
        "the search on this one set of candidates; the teacher's training is not counted."
    )


def _seconds(row: pd.Series, name: str) -> str:
    return f"{row[name]:.1f} s (standard error {row[f'{name}_standard_error']:.1f})"
