"""What a study found, in sentences: the network, what it beats, what cannot be told from it, and what to do next.

The tables are those of the stage ``final``. All comparisons are of the test images, which chose nothing,
by the metric that has selected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mf_nas_kd.figures.numbers import (
    counted,
    is_known,
    listed,
    percent,
    percent_with_interval,
    points_with_interval,
    short_count,
    training_text,
)
from mf_nas_kd.records.metrics import ACCURACY, metric_of

NEXT_STEPS = 3
"""Lines of advice; the last one says where the network is."""
NAMED_CLASSES = 3


def headline(winner: Mapping[str, Any], level: float) -> str:
    """What the network is, and how accurate.

    Args:
        winner: ``winner``.
        level: Nominal coverage of the intervals, in (0, 1).
    """
    metric = metric_of(winner)
    value = percent_with_interval(*(winner[f"{metric.test}_{end}"] for end in ("mean", "low", "high")))
    reached = f"classifies {value} of the test images correctly"
    if metric != ACCURACY:
        reached = f"has a {metric.label} of {value} on the test images"
    return (
        f"A {winner['space']} network with {short_count(winner['macs'])} MACs per image and {winner['params']:,} "
        f"parameters {reached} (mean of {counted(winner['seeds'], 'seed')}, "
        f"{100 * level:g} % interval; {training_text(winner['epochs'], winner['distillation'])})."
    )


def comparison(winner: Mapping[str, Any], references: pd.DataFrame, test_images: int) -> str:
    """Whether the winner beats the best reference network of at most its cost.

    Args:
        winner: ``winner``.
        references: ``references``.
        test_images: Number of test images.
    """
    row = best_reference(winner, references)
    if row is None:
        return "No reference network of at most its MACs was trained, so nothing is known of what the search gained."
    named = f"the best reference of at most its cost, {row['name']}"
    seeds = counted(int(winner["seeds"]), "seed")
    if winner["seeds"] != row["seeds"]:
        seeds = f"{seeds} against {int(row['seeds'])}"
    sample = f"{seeds}, paired over {test_images:,} test images"
    if not is_known(row["difference_low"]):
        return f"Whether the winner beats {named}, cannot be told: the difference has no interval ({sample})."
    if winner["seeds"] == row["seeds"] == 1:
        return (
            f"Whether the winner beats {named}, cannot be told from one training of each; of these two the difference "
            f"is {_points(row, signed=True)} ({sample})."
        )
    if row["difference_low"] > 0:
        return f"The winner beats {named}, by {_points(row)} ({sample})."
    if row["difference_high"] < 0:
        return f"The winner does not beat {named}, which is better by {_points(_reversed(row))} ({sample})."
    return (
        f"Whether the winner beats {named}, cannot be told: the difference is {_points(row, signed=True)} ({sample})."
    )


def delivered(winner: Mapping[str, Any]) -> str:
    """Which weights are delivered, and how accurate they are."""
    metric = metric_of(winner)
    return (
        f"The delivered weights are those of seed {winner['seed']}, which has the highest validation {metric.label} "
        f"of the {counted(winner['seeds'], 'seed')} ({percent(winner[metric.validation], 2)}); on the test images they "
        f"reach {percent(winner[metric.test], 2)}."
    )


def indistinguishable(winner: Mapping[str, Any], references: pd.DataFrame) -> str:
    """The finalists that the test images cannot tell from the winner, and the cheapest of them and the winner."""
    names = [name for name in winner["indistinguishable"] if name != winner["architecture_id"]]
    others = references[references["role"].isin(["finalist", "cheaper"])]
    if others.empty:
        return ""
    better = others.loc[others["difference_high"] < 0, "name"].tolist()
    if better:
        named = listed([_with_macs(name, references) for name in better])
        chosen_by = f"validation {metric_of(winner).label}"
        return f"On the test images, {named} is better than the winner, which {chosen_by} has chosen."
    if not names:
        return "The test images tell the winner from every other finalist."
    named = listed([_with_macs(name, references) for name in names])
    told = f"The test images cannot tell the winner from {counted(len(names), 'other finalist')}: {named}."
    cheapest = winner["cheapest_indistinguishable"]
    if cheapest in (None, winner["architecture_id"]):
        return f"{told} The winner has the fewest MACs of them."
    return f"{told} The cheapest of them is {_with_macs(cheapest, references)}; the winner has {_macs(winner['macs'])}."


def next_steps(
    winner: Mapping[str, Any],
    references: pd.DataFrame,
    per_class: pd.DataFrame,
    class_names: tuple[str, ...],
    folder: str,
) -> list[str]:
    """What to do next: at most two pieces of advice that the results call for, then where the network is.

    The first that apply are given, in this order: a reference that is better, a teacher that is not, a cheaper network
    that is as good, an undecided comparison, classes far below the others.

    Args:
        winner: ``winner``.
        references: ``references``.
        per_class: Accuracy of each class, with intervals, see ``statistics.per_class_accuracy``.
        class_names: Names of the ``K`` classes.
        folder: Path of the folder with the network.
    """
    advice = [
        _about_a_better_reference(winner, references),
        _about_the_teacher(references),
        _about_cost(winner, references),
        _about_precision(winner, references),
        _about_classes(winner, per_class, class_names),
        "For a better network, give the search more time (search.budget_seconds) or larger networks (space.options).",
    ]
    return [
        *[line for line in advice if line][: NEXT_STEPS - 1],
        f"Take the network: {folder} (see its README.md).",
    ]


def best_reference(winner: Mapping[str, Any], references: pd.DataFrame) -> pd.Series | None:
    """The row of the best reference network of at most the winner's cost; None if there is none."""
    found = references[(references["role"] == "reference") & (references["name"] == winner["best_reference"])]
    return None if found.empty else found.iloc[0]


def _about_a_better_reference(winner: Mapping[str, Any], references: pd.DataFrame) -> str:
    row = best_reference(winner, references)
    if row is None or not row["difference_high"] < 0:
        return ""
    return (
        f"{row['name']} is better at no more cost: take its channels and depths into the choices of the space "
        "(space.options), or give the search more time (search.budget_seconds)."
    )


def _about_the_teacher(references: pd.DataFrame) -> str:
    teachers = references[references["role"] == "teacher"]
    if teachers.empty or not teachers["difference_low"].iloc[0] > 0:
        return ""
    return (
        f"Train a better teacher: the winner's lead over this one is {_points(teachers.iloc[0], signed=True)}. Train "
        "it longer (teacher.epochs), larger (teacher.options), or from ready-made weights (teacher.weights)."
    )


def _about_cost(winner: Mapping[str, Any], references: pd.DataFrame) -> str:
    name = winner["cheapest_indistinguishable"]
    rows = references[references["name"] == name]
    if name in (None, winner["architecture_id"]) or rows.empty:
        return ""
    return (
        f"If cost matters, use {name}: {_macs(rows['macs'].iloc[0])} instead of {_macs(winner['macs'])}, and the test "
        f"images cannot tell the two apart (search.max_macs={int(rows['macs'].iloc[0])} makes it the winner's limit)."
    )


def _about_precision(winner: Mapping[str, Any], references: pd.DataFrame) -> str:
    row = best_reference(winner, references)
    if row is None or row["difference_low"] > 0 or row["difference_high"] < 0:
        return ""
    return (
        f"To decide whether the winner beats {row['name']}, use more test images (four times as many halve the "
        f"interval) and more than {counted(int(row['seeds']), 'seed')} (final.seeds)."
    )


def _about_classes(winner: Mapping[str, Any], per_class: pd.DataFrame, class_names: tuple[str, ...]) -> str:
    """Names the classes whose whole interval is below the accuracy over all classes, the worst first."""
    weak = per_class[per_class["accuracy_high"] < winner["test_accuracy"]].sort_values("accuracy")[:NAMED_CLASSES]
    if weak.empty:
        return ""
    named = [f"{class_names[row.label]} ({percent(row.accuracy, 0)})" for row in weak.itertuples()]
    return f"Collect more training images of the classes that it gets wrong most often: {listed(named)}."


def _points(row: pd.Series, signed: bool = False) -> str:
    ends = row["difference"], row["difference_low"], row["difference_high"]
    text = points_with_interval(*ends, signed=signed)
    value, space, interval = text.partition(" ")
    return f"{value} points{space}{interval}"


def _reversed(row: pd.Series) -> pd.Series:
    """The row with the difference from the other side."""
    low, high = -row["difference_high"], -row["difference_low"]
    return pd.Series({"difference": -row["difference"], "difference_low": low, "difference_high": high})


def _macs(macs: float) -> str:
    return f"{short_count(macs)} MACs"


def _with_macs(name: str, references: pd.DataFrame) -> str:
    rows = references[references["name"] == name]
    return name if rows.empty else f"{name} ({_macs(rows['macs'].iloc[0])})"
