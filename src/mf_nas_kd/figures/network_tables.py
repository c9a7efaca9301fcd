"""Tables of the report about the network, with texts for people in their cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mf_nas_kd.errors import printable
from mf_nas_kd.figures.accuracies import ROLES
from mf_nas_kd.figures.numbers import percent, percent_with_interval, points_with_interval, short_count, training_text
from mf_nas_kd.records.metrics import Metric
from mf_nas_kd.statistics import most_confused

CONFUSED_PAIRS = 10
ACCURACY_ENDS = ("accuracy", "accuracy_low", "accuracy_high")


def references_table(references: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The winner and what it is compared with, the winner first, others by their metric for the test images.

    Args:
        references: ``references``.
        metric: The metric that has selected.
    """
    rows = references.assign(first=references["role"] == "winner")
    rows = rows.sort_values(["first", metric.test], ascending=False)
    ends = ["difference", "difference_low", "difference_high"]
    return pd.DataFrame(
        {
            "Network": rows["name"],
            "Role": [ROLES[role][0] for role in rows["role"]],
            "MACs": [short_count(macs) for macs in rows["macs"]],
            "Parameters": [short_count(params) for params in rows["params"]],
            "Training": [training_text(*way) for way in rows[["epochs", "distillation"]].itertuples(index=False)],
            "Seeds": rows["seeds"].map("{:.0f}".format),
            "Validation": rows[metric.validation].map(percent),
            "Test": [
                percent_with_interval(*each)
                for each in _triples(rows, [metric.test, f"{metric.test}_low", f"{metric.test}_high"])
            ],
            "Winner's lead": [points_with_interval(*each, signed=True) for each in _triples(rows, ends)],
        }
    )


def final_trainings_table(final_trainings: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """All final trainings, one a row.

    Args:
        final_trainings: ``final_trainings``.
        metric: The metric that has selected.
    """
    return pd.DataFrame(
        {
            "Network": final_trainings["name"],
            "Role": [ROLES[role][0] for role in final_trainings["role"]],
            "Training": [
                training_text(*way) for way in final_trainings[["epochs", "distillation"]].itertuples(index=False)
            ],
            "Seed": final_trainings["seed"].map("{:.0f}".format),
            "Validation": [percent(each, 2) for each in final_trainings[metric.validation]],
            "Test": [percent(each, 2) for each in final_trainings[metric.test]],
            "Seconds": final_trainings["cost_seconds"].map("{:,.1f}".format).replace("nan", ""),
            "Counts": np.where(final_trainings["chosen"], "yes", "no"),
        }
    )


def per_class_table(
    per_class: pd.DataFrame, of_teacher: pd.DataFrame, train_images: Sequence[int], class_names: Sequence[str]
) -> pd.DataFrame:
    """Accuracy of each class, with its interval, of the network and of the teacher, in the order of the classes.

    Args:
        per_class: Accuracy of each class, see ``statistics.per_class_accuracy``.
        of_teacher: The same of the teacher.
        train_images: ``(K,)``, number of training images of each class.
        class_names: Names of the ``K`` classes.
    """
    accuracies = {
        name: [percent_with_interval(*each, decimals=0) for each in _triples(rows, ACCURACY_ENDS)]
        for name, rows in (("Network", per_class), ("Teacher", of_teacher))
    }
    return pd.DataFrame(
        {
            "Class": [printable(name) for name in class_names],
            "Training images": [f"{count:,}" for count in train_images],
            "Test images": per_class["images"].map("{:,}".format),
            **accuracies,
        }
    )


def confused_classes_table(
    confusion: NDArray[np.int64], per_class: pd.DataFrame, class_names: Sequence[str]
) -> pd.DataFrame:
    """The pairs of classes that are confused most often, with the accuracy of the true class.

    Args:
        confusion: Counts ``(K, K)``.
        per_class: Accuracy of each class, with intervals, see ``statistics.per_class_accuracy``.
        class_names: Names of the ``K`` classes.
    """
    pairs = most_confused(confusion, CONFUSED_PAIRS)
    of_class = per_class.set_index("label").loc[pairs["label"]]
    return pd.DataFrame(
        {
            "True class": [printable(class_names[label]) for label in pairs["label"]],
            "Taken for": [printable(class_names[label]) for label in pairs["predicted"]],
            "Images": pairs["images"].map("{:,}".format),
            "Of its class": [percent(fraction, 0) for fraction in pairs["fraction"]],
            "Accuracy of the true class": [
                percent_with_interval(*each, decimals=0) for each in _triples(of_class, ACCURACY_ENDS)
            ],
        }
    )


def _triples(rows: pd.DataFrame, columns: Sequence[str]) -> list[tuple[float, float, float]]:
    """Values of three columns, a value with the ends of its interval, row by row."""
    value, low, high = (rows[column].astype(float) for column in columns)
    return list(zip(value, low, high, strict=True))
