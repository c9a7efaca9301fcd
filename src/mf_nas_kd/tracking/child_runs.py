"""Child runs of MLflow, one for each evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import mlflow
from mlflow.entities import Metric, Param, RunInfo, RunStatus, RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.fields import Role, column_names
from mf_nas_kd.spaces.description import architecture_values, architecture_words
from mf_nas_kd.tracking.background import copies
from mf_nas_kd.tracking.names import safe_key, safe_value

METRICS = column_names(Evaluation, Role.METRIC, Role.COST)
ARCHITECTURE = "architecture"
PARAMETERS = tuple(
    name for name in column_names(Evaluation, Role.SUBJECT, Role.FIDELITY, Role.SETTING) if name != ARCHITECTURE
)
TAGS = column_names(Evaluation, Role.KEY, Role.STATUS, Role.PROVENANCE)

MLFLOW_RUN_COLOUR = "mlflow.runColor"  # how MLflow's page spells it
COLOURS = {"evaluation": "#4c72b0", "search": "#dd8452", "final": "#55a868", "": "#8c8c8c"}
"""Colours of the runs in MLflow's tables and charts, by the stage of the study."""

MOST_METRICS_A_CALL = 900  # MLflow takes 1000 of metrics, parameters and tags together

WAITED_SECONDS = 0.4
"""The first child runs are waited for, so long in all, so that trouble is told where it begins."""


@dataclass(frozen=True)
class Purpose:
    """What evaluations are made for; tags of their runs.

    Attributes:
        stage: The stage of the study: ``evaluation``, ``search`` or ``final``.
        role_of: Says what an evaluation is in it, such as ``low``, ``full``, ``finalist`` or ``reference``; empty where
            that is not known.
        strategy: Name of the strategy of a search; empty elsewhere.
    """

    stage: str = ""
    role_of: Callable[[Evaluation], str] = lambda evaluation: ""
    strategy: str = ""

    def tags(self, evaluation: Evaluation) -> dict[str, str]:
        """Tags of the run of an evaluation."""
        tags = {"stage": self.stage, "role": self.role_of(evaluation), "strategy": self.strategy}
        return {name: value for name, value in tags.items() if value}


class ChildRuns:
    """Logs evaluations as children of the run that is active when the object is constructed.

    All children have the same keys, those of their architecture apart, so that MLflow can compare them. They are logged
    in the background; what MLflow does to them is no error.

    Args:
        purpose: What the evaluations are made for.
    """

    def __init__(self, purpose: Purpose = Purpose()) -> None:  # a value that does not change
        parent = mlflow.active_run()
        self._purpose = purpose
        self._parent = parent.info if parent is not None else None
        self._patience = WAITED_SECONDS

    def log(self, evaluation: Evaluation) -> None:
        """Log an evaluation as a child run; without an active parent run nothing is logged. Raises nothing."""
        parent = self._parent
        if parent is None:
            copies().miss()
            return
        started, ended = time.monotonic(), int(time.time() * 1000)
        copies().call(
            lambda: log_child(parent, evaluation, ended, self._purpose), max(self._patience, 0.0), evaluations=1
        )
        self._patience -= time.monotonic() - started


def log_child(parent: RunInfo, evaluation: Evaluation, ended: int, purpose: Purpose) -> None:
    """Log an evaluation as a child of a run. Its key is logged last: a child run with a key is complete.

    Args:
        parent: The parent run.
        evaluation: The evaluation.
        ended: Time of its end, in milliseconds since 1970.
        purpose: What it was made for.

    Raises:
        Exception: Whatever MLflow raises.
    """
    client, row = MlflowClient(), evaluation.to_row()
    own = {"study": _study(mlflow.get_tracking_uri(), parent.experiment_id), **purpose.tags(evaluation)}
    run_id = client.create_run(
        parent.experiment_id,
        start_time=ended - int(1000 * evaluation.charged_seconds),
        tags={
            MLFLOW_PARENT_RUN_ID: parent.run_id,
            MLFLOW_RUN_NAME: safe_value(run_name(evaluation, purpose)),
            MLFLOW_RUN_COLOUR: COLOURS.get(purpose.stage, COLOURS[""]),
            **{name: safe_value(value) for name, value in own.items()},
        },
    ).info.run_id
    values = {key: math.nan if row[key] is None else float(row[key]) for key in METRICS}
    curve = {} if evaluation.learning_curve is None else evaluation.learning_curve.metrics
    metrics = [Metric(key, value, ended, 0) for key, value in values.items()]
    metrics += [Metric(key, value, ended, epoch) for key, values in curve.items() for epoch, value in values.items()]
    described = {f"network.{name}": value for name, value in architecture_values(evaluation.architecture).items()}
    settings = {**{key: row[key] for key in PARAMETERS}, **described}
    parameters = [Param(safe_key(key), safe_value(value)) for key, value in settings.items()]
    facts = {"fidelity": evaluation.fidelity, ARCHITECTURE: row[ARCHITECTURE], **{key: row[key] for key in TAGS}}
    tags = [RunTag(key, safe_value(value)) for key, value in facts.items()]
    for start in range(MOST_METRICS_A_CALL, len(metrics), MOST_METRICS_A_CALL):
        client.log_batch(run_id, metrics[start : start + MOST_METRICS_A_CALL])
    client.log_batch(run_id, metrics[:MOST_METRICS_A_CALL], parameters, tags)
    status = RunStatus.FINISHED if evaluation.finished else RunStatus.FAILED
    client.set_terminated(run_id, RunStatus.to_string(status), ended)


def run_name(evaluation: Evaluation, purpose: Purpose) -> str:
    """Name of the run of an evaluation: the network in words, the fidelity, the seed; before it what is final."""
    network, seed = architecture_words(evaluation.architecture), f"seed {evaluation.seed}"
    if purpose.stage != "final":
        return " | ".join((network, str(evaluation.fidelity), seed))
    what = f"final {purpose.role_of(evaluation)}".strip()
    return " | ".join((what, seed, f"{evaluation.architecture.space} {network}", str(evaluation.fidelity)))


@lru_cache(maxsize=8)
def _study(tracking_uri: str, experiment_id: str) -> str:
    """Name of the study of an experiment, which is that of the experiment."""
    name: str = MlflowClient(tracking_uri).get_experiment(experiment_id).name
    return name
