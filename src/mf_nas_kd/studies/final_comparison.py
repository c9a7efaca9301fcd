"""The winner beside the other finalists, the reference networks and the teacher, on the same test images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from mf_nas_kd.images import ImageDataset
from mf_nas_kd.records import METRICS, Evaluation, Metric, Metrics
from mf_nas_kd.records.fields import column_names
from mf_nas_kd.statistics import accuracy_difference, indistinguishable, mean_accuracy
from mf_nas_kd.statistics.bootstrap import UNDEFINED, estimate_columns
from mf_nas_kd.statistics.paired import Correct, Groups
from mf_nas_kd.studies.final_tables import OF_THE_SPACE, TEACHER, mean_metrics
from mf_nas_kd.studies.kept_trainings import KeptTrainings, TrainingOutputs
from mf_nas_kd.studies.predictions import predictions_of


def compare_final_networks(
    trainings: pd.DataFrame,
    winner: str,
    kept: KeptTrainings,
    images: ImageDataset,
    teacher_logits: Tensor,
    level: float,
    metric: Metric,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare every network with the winner, paired over test images.

    Args:
        trainings: ``final_trainings``.
        winner: Name of the winner.
        kept: Outputs of the trainings.
        images: The images.
        teacher_logits: ``(N, K)``, the teacher's for the test images.
        level: Nominal coverage of the intervals, in (0, 1).
        metric: The metric that selects.

    Returns:
        ``references``: one row a network, the winner first, then by falling score for the validation images, with the
        interval of every metric, and the difference to the winner by the metric that selects. And, as values of
        JSON: the finalists that the test images cannot tell from the winner, the cheapest of them, and the best
        reference network of at most the winner's multiply-accumulates.

    Raises:
        MissingEvaluationError: If the outputs of a training are missing.
    """
    labels = images.test.labels.numpy()
    correct = {
        str(name): np.stack([_correct(kept.require(key).test_logits, labels) for key in rows["key"]])
        for name, rows in trainings[trainings["chosen"] & (trainings["role"] != TEACHER)].groupby("name", sort=False)
    }
    correct[TEACHER] = _correct(teacher_logits, labels)[None]
    groups = {each.name: each.groups(labels) for each in METRICS.values()}
    table = _compared(mean_metrics(trainings), winner, correct, groups, level, metric)
    finalists = [name for name in table.loc[table["role"].isin(OF_THE_SPACE), "name"] if name != winner]
    alike = indistinguishable(correct[winner], {name: correct[name] for name in finalists}, level, groups[metric.name])
    cheapest = table[table["name"].isin([winner, *alike])].sort_values("macs", kind="stable")["name"].iloc[0]
    comparable = table[(table["role"] == "reference") & table["comparable"]]
    best = comparable.sort_values(metric.validation, ascending=False, kind="stable")["name"].tolist()
    return table, {
        "indistinguishable": list(alike),
        "cheapest_indistinguishable": cheapest,
        "best_reference": best[0] if best else None,
    }


def _compared(
    means: pd.DataFrame,
    winner: str,
    correct: Mapping[str, Correct],
    groups: Mapping[str, Groups],
    level: float,
    metric: Metric,
) -> pd.DataFrame:
    macs = means.loc[means["name"] == winner, "macs"].iloc[0]
    rows = []
    for row in means.to_dict("records"):
        name = str(row["name"])
        difference = UNDEFINED
        if name != winner:
            difference = accuracy_difference(correct[winner], correct[name], level, groups[metric.name])
        estimate: dict[str, float] = {}
        for each in METRICS.values():
            estimate |= estimate_columns(each.test, mean_accuracy(correct[name], level, groups[each.name]))
        role = "winner" if name == winner else row["role"]
        compared: dict[Any, Any] = row | estimate | estimate_columns("difference", difference)
        rows.append(compared | {"role": role, "comparable": row["macs"] <= macs})
    table = pd.DataFrame(rows)
    order = (table["role"] != "winner").astype(int)
    table = table.assign(order=order).sort_values(["order", metric.validation], ascending=[True, False], kind="stable")
    return table.drop(columns="order").reset_index(drop=True)


@dataclass(frozen=True)
class Delivered:
    """The network that is delivered.

    Attributes:
        description: What is told of it, as values of JSON.
        outputs: Weights, learning curve and logits.
        predictions: One row a test image, in their order: ``label``, ``predicted``, ``probability_of_label``,
            ``probability_of_predicted``.
    """

    description: dict[str, Any]
    outputs: TrainingOutputs
    predictions: pd.DataFrame


def delivered_winner(
    trainings: pd.DataFrame, references: pd.DataFrame, kept: KeptTrainings, images: ImageDataset, metric: Metric
) -> Delivered:
    """The winner's network with the highest score for the validation images over its seeds; of equal ones, the first.

    Args:
        trainings: ``final_trainings``.
        references: ``references``.
        kept: Outputs of the trainings.
        images: The images.
        metric: The metric that selects.

    Raises:
        MissingEvaluationError: If its outputs are missing.
    """
    (row,) = references[references["role"] == "winner"].to_dict("records")
    own = trainings[trainings["chosen"] & (trainings["name"] == row["name"])]
    best = own.loc[own[metric.validation].idxmax()]
    outputs = kept.require(best["key"])
    evaluation = Evaluation.from_row(best[list(column_names(Evaluation))].to_dict())
    description = {
        **evaluation.architecture.to_row(),
        **evaluation.metrics.to_row(),
        **evaluation.costs.to_row(),
        "seed": evaluation.seed,
        "seeds": int(row["seeds"]),
        **{f"{name}_mean": _known(row[name]) for name in column_names(Metrics)},
        **{
            f"{each.test}_{end}": float(row[f"{each.test}_{end}"])
            for each in METRICS.values()
            for end in ("low", "high")
        },
        "model_fingerprint": outputs.network.fingerprint,
    }
    return Delivered(description, outputs, predictions_of(outputs.test_logits, images.test.labels))


def _correct(logits: Tensor, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = logits.argmax(dim=1).numpy() == labels
    return found


def _known(value: Any) -> float | None:
    """The number; None where an earlier version has not measured it."""
    return None if pd.isna(value) else float(value)
