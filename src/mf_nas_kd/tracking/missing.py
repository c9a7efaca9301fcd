"""Evaluations that MLflow lacks are logged afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime

from mlflow.entities import Experiment
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from mf_nas_kd.records import Evaluation
from mf_nas_kd.tracking.child_runs import Purpose, log_child

_RUNS_A_QUERY = 1000


def log_missing(evaluations: Iterable[Evaluation], experiment: Experiment, planned: Mapping[str, str]) -> int:
    """Log every evaluation of which an experiment has no child run, as children of one new run.

    Done twice, it logs nothing the second time.

    Args:
        evaluations: The evaluations that the experiment should have.
        experiment: The experiment of MLflow.
        planned: Roles of the evaluations of the stage ``evaluation``, by their keys; the others are of later stages.

    Returns:
        Number of evaluations that were logged; without any, there is no new run.

    Raises:
        Exception: Whatever MLflow raises; what was logged by then stays.
    """
    there = logged_keys(experiment)
    missing = {each.key: each for each in evaluations if each.key not in there}
    if not missing:
        return 0
    client = MlflowClient()
    parent = client.create_run(experiment.experiment_id, tags={MLFLOW_RUN_NAME: "log-missing"})
    of_plan, later = Purpose("evaluation", lambda evaluation: planned[evaluation.key]), Purpose("search or final")
    for key, evaluation in missing.items():
        purpose = of_plan if key in planned else later
        log_child(parent.info, evaluation, _milliseconds(evaluation.finished_at), purpose)
    client.set_terminated(parent.info.run_id)
    return len(missing)


def logged_keys(experiment: Experiment) -> set[str]:
    """Keys of the evaluations of which an experiment has complete child runs."""
    client, keys, page = MlflowClient(), set(), None
    while True:
        runs = client.search_runs(
            [experiment.experiment_id],
            f"tags.`{MLFLOW_PARENT_RUN_ID}` != ''",
            max_results=_RUNS_A_QUERY,
            page_token=page,
        )
        keys |= {run.data.tags["key"] for run in runs if "key" in run.data.tags}
        page = runs.token
        if not page:
            return keys


def _milliseconds(finished_at: str) -> int:
    """Milliseconds since 1970 of a time of ISO 8601; now, if it is none."""
    try:
        return int(datetime.fromisoformat(finished_at).timestamp() * 1000)
    except ValueError:
        return int(time.time() * 1000)
