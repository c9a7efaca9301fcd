"""Child runs of MLflow, one for each evaluation."""

from __future__ import annotations

import math
import time

import mlflow
from mlflow.entities import Metric, Param, RunInfo, RunStatus, RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.fields import Role, column_names
from mf_nas_kd.tracking.background import copies
from mf_nas_kd.tracking.names import safe_value

METRICS = column_names(Evaluation, Role.METRIC, Role.COST)
PARAMETERS = column_names(Evaluation, Role.SUBJECT, Role.FIDELITY, Role.SETTING)
TAGS = column_names(Evaluation, Role.KEY, Role.STATUS, Role.PROVENANCE)

MOST_METRICS_A_CALL = 900  # MLflow takes 1000 of metrics, parameters and tags together

WAITED_SECONDS = 0.4
"""The first child runs are waited for, so long in all, so that trouble is told where it begins."""


class ChildRuns:
    """Logs evaluations as children of the run that is active when the object is constructed.

    All children have the same keys, so that MLflow can compare them. They are logged in the background; what MLflow
    does to them is no error.
    """

    def __init__(self) -> None:
        parent = mlflow.active_run()
        self._parent = parent.info if parent is not None else None
        self._patience = WAITED_SECONDS

    def log(self, evaluation: Evaluation) -> None:
        """Log an evaluation as a child run; without an active parent run nothing is logged. Raises nothing."""
        parent = self._parent
        if parent is None:
            copies().miss()
            return
        started, ended = time.monotonic(), int(time.time() * 1000)
        copies().call(lambda: log_child(parent, evaluation, ended), max(self._patience, 0.0), evaluations=1)
        self._patience -= time.monotonic() - started


def log_child(parent: RunInfo, evaluation: Evaluation, ended: int) -> None:
    """Log an evaluation as a child of a run. Its key is logged last: a child run with a key is complete.

    Args:
        parent: The parent run.
        evaluation: The evaluation.
        ended: Time of its end, in milliseconds since 1970.

    Raises:
        Exception: Whatever MLflow raises.
    """
    client, row = MlflowClient(), evaluation.to_row()
    name = f"{row['distillation']} {evaluation.fidelity.train_fraction} {row['architecture_id']}"
    run_id = client.create_run(
        parent.experiment_id,
        start_time=ended - int(1000 * evaluation.charged_seconds),
        tags={MLFLOW_PARENT_RUN_ID: parent.run_id, MLFLOW_RUN_NAME: safe_value(name)},
    ).info.run_id
    values = {key: math.nan if row[key] is None else float(row[key]) for key in METRICS}
    curve = {} if evaluation.learning_curve is None else evaluation.learning_curve.metrics
    metrics = [Metric(key, value, ended, 0) for key, value in values.items()]
    metrics += [Metric(key, value, ended, epoch) for key, values in curve.items() for epoch, value in values.items()]
    parameters = [Param(key, safe_value(row[key])) for key in PARAMETERS]
    tags = [RunTag(key, safe_value(row[key])) for key in TAGS]
    for start in range(MOST_METRICS_A_CALL, len(metrics), MOST_METRICS_A_CALL):
        client.log_batch(run_id, metrics[start : start + MOST_METRICS_A_CALL])
    client.log_batch(run_id, metrics[:MOST_METRICS_A_CALL], parameters, tags)
    status = RunStatus.FINISHED if evaluation.finished else RunStatus.FAILED
    client.set_terminated(run_id, RunStatus.to_string(status), ended)
