"""Child runs of MLflow, one for each evaluation."""

from __future__ import annotations

import math
import time

import mlflow
from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.fields import Role, column_names

METRICS = column_names(Evaluation, Role.METRIC, Role.COST)
PARAMETERS = column_names(Evaluation, Role.SUBJECT, Role.FIDELITY, Role.SETTING)
TAGS = column_names(Evaluation, Role.KEY, Role.STATUS, Role.PROVENANCE)


class ChildRuns:
    """Logs evaluations as children of the run that is active when the object is constructed.

    All children have the same keys, so that MLflow can compare them. Logging one takes three calls: 13 ms on SQLite.
    """

    def __init__(self) -> None:
        parent = mlflow.active_run()
        self._parent = parent.info if parent is not None else None
        self._client = MlflowClient() if parent is not None else None

    def log(self, evaluation: Evaluation) -> None:
        """Log an evaluation as a child run; without an active parent run nothing is logged."""
        if self._parent is None or self._client is None:
            return
        row = evaluation.to_row()
        name = f"{row['distillation']} {evaluation.fidelity.train_fraction} {row['architecture_id']}"
        ended = int(time.time() * 1000)
        run = self._client.create_run(
            self._parent.experiment_id,
            start_time=ended - int(1000 * evaluation.cost_seconds),
            tags={MLFLOW_PARENT_RUN_ID: self._parent.run_id, MLFLOW_RUN_NAME: name},
        )
        values = {key: math.nan if row[key] is None else float(row[key]) for key in METRICS}
        metrics = [Metric(key, value, ended, 0) for key, value in values.items()]
        parameters = [Param(key, str(row[key])) for key in PARAMETERS]
        tags = [RunTag(key, str(row[key])) for key in TAGS]
        self._client.log_batch(run.info.run_id, metrics, parameters, tags)
        status = RunStatus.FINISHED if evaluation.finished else RunStatus.FAILED
        self._client.set_terminated(run.info.run_id, RunStatus.to_string(status), ended)
