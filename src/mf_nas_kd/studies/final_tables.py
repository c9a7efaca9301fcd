"""Tables of the final stage: its trainings, its networks side by side, and the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.records import Architecture, Costs, DeviceCosts, Evaluation, Metric, Metrics
from mf_nas_kd.records.costs import ON_DEVICE
from mf_nas_kd.records.fields import column_names
from mf_nas_kd.records.metrics import with_metrics
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.search.finalists import CHEAPER, FINALIST
from mf_nas_kd.search.pareto import pareto_front
from mf_nas_kd.studies.device_costs import DeviceCostsOf
from mf_nas_kd.studies.final_training import PLAIN, FinalTraining

OF_THE_SPACE = (FINALIST, CHEAPER)
"""Roles of networks that may win."""

TEACHER = "teacher"
"""Name and role of the teacher."""


def final_trainings_table(trainings: Sequence[FinalTraining], chosen_way: str) -> pd.DataFrame:
    """One row a final training, in the order in which they were made.

    Args:
        trainings: The trainings.
        chosen_way: Name of the distillation configuration whose trainings count for the means of their networks.

    Returns:
        ``name``, ``role``, the columns of an evaluation, and ``chosen``.
    """
    rows = [
        {
            "name": each.network.name,
            "role": each.network.role,
            **each.evaluation.to_row(),
            "chosen": each.way == chosen_way and each.evaluation.finished,
        }
        for each in trainings
    ]
    return pd.DataFrame(rows, columns=["name", "role", *column_names(Evaluation), "chosen"])


def teacher_score(teacher_metrics: Mapping[str, Any], metric: Metric) -> float:
    """Value of a metric for the teacher and the validation images, in [0, 1].

    Args:
        teacher_metrics: ``teacher_metrics``.
        metric: The metric that selects.

    Raises:
        MissingEvaluationError: If an earlier version has measured the teacher without it.
    """
    if metric.validation not in teacher_metrics:
        raise MissingEvaluationError(
            f"the teacher's {metric.label} was not measured: run the teacher pipeline (it is not trained again)"
        )
    return float(teacher_metrics[metric.validation])


def with_teacher(trainings: pd.DataFrame, metrics: Mapping[str, Any]) -> pd.DataFrame:
    """The table with one more row, the teacher's training.

    Args:
        trainings: ``final_trainings``.
        metrics: ``teacher_metrics``.
    """
    names = (*column_names(Metrics), *column_names(Costs), "epochs", "seed")
    row = {name: metrics[name] for name in names if name in metrics}
    known = {"name": TEACHER, "role": TEACHER, "distillation": PLAIN, "chosen": True, "key": metrics["fingerprint"]}
    return pd.concat([trainings, pd.DataFrame([{**known, **row}])], ignore_index=True)


def mean_metrics(trainings: pd.DataFrame) -> pd.DataFrame:
    """One row a network: name, role, costs, and the means of all metrics over the seeds of its chosen trainings.

    Args:
        trainings: ``final_trainings``.
    """
    groups = with_metrics(trainings[trainings["chosen"]]).groupby(["name", "role"], sort=False, as_index=False)
    return groups.agg(
        architecture_id=("architecture_id", "first"),
        **{name: (name, "first") for name in column_names(Costs)},
        epochs=("epochs", "first"),
        distillation=("distillation", "first"),
        seeds=("seed", "size"),
        **{name: (name, "mean") for name in column_names(Metrics)},
    )


def final_pareto_front(
    trainings: pd.DataFrame, device_costs: pd.DataFrame, metric: Metric, cost: str = "macs"
) -> pd.DataFrame:
    """The Pareto front of the search space's networks: lowest cost, highest mean score over seeds.

    Args:
        trainings: ``final_trainings``; those of hand-designed networks and of the teacher are left out.
        device_costs: ``final_device_costs``; empty where nothing was measured.
        metric: The metric that selects.
        cost: ``macs`` or ``latency_ms``; networks whose cost is not known are left out.
    """
    means = mean_metrics(trainings[trainings["role"].isin(OF_THE_SPACE)])
    columns = ["architecture_id", *column_names(Costs), *column_names(Metrics)]
    measured = means[columns].merge(device_costs[["architecture_id", *ON_DEVICE]], on="architecture_id", how="left")
    return pareto_front(measured.dropna(subset=[cost]), metric.validation, cost)


def final_device_costs(trainings: pd.DataFrame, on_device: DeviceCostsOf) -> pd.DataFrame:
    """Costs on a device of all networks of the final stage but the teacher; the weights do not change them.

    Args:
        trainings: ``final_trainings``.
        on_device: Costs on the device.

    Returns:
        ``name``, ``role`` and the columns of ``DeviceCosts``, one row a network whose costs are known.
    """
    networks = trainings[trainings["role"] != TEACHER].drop_duplicates("name")
    architectures = records_of(networks, Architecture)
    known = on_device(architectures)
    rows = [
        {"name": name, "role": role, **known[each.id].to_row()}
        for name, role, each in zip(networks["name"], networks["role"], architectures, strict=True)
        if each.id in known
    ]
    return pd.DataFrame(rows, columns=["name", "role", *column_names(DeviceCosts)])
