"""Logging to MLflow: one parent run for each ``kedro run``, and a child run for each evaluation.

Only this package imports MLflow, and only the driver calls it. Without an active run (the library in a notebook, or
tracking disabled in ``mlflow.yml``) nothing is logged. MLflow has copies: whatever it does, what logs a run's progress
raises nothing and does not wait for long.
"""

import os

# Read when MLflow is imported, which is below. Its own defaults wait for a server that is gone for minutes.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from mf_nas_kd.tracking.background import copies, finish
from mf_nas_kd.tracking.child_runs import ChildRuns, Purpose
from mf_nas_kd.tracking.deployed_model import DeployedModel, log_deployed_model
from mf_nas_kd.tracking.missing import log_missing
from mf_nas_kd.tracking.names import safe_experiment, safe_key
from mf_nas_kd.tracking.overview import log_overview
from mf_nas_kd.tracking.parent_run import (
    RunDescription,
    describe_run,
    end_run,
    log_artifact,
    log_images,
    log_metrics,
    log_note,
    log_parameters,
    runs_address,
    tracking_uri,
)

__all__ = [
    "ChildRuns",
    "DeployedModel",
    "Purpose",
    "RunDescription",
    "copies",
    "describe_run",
    "end_run",
    "finish",
    "log_artifact",
    "log_deployed_model",
    "log_images",
    "log_metrics",
    "log_missing",
    "log_note",
    "log_overview",
    "log_parameters",
    "runs_address",
    "safe_experiment",
    "safe_key",
    "tracking_uri",
]
