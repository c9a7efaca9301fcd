"""Logging to MLflow: one parent run for each ``kedro run``, and a child run for each evaluation.

Only this package imports MLflow, and only the driver calls it. Without an active run (the library in a notebook, or
tracking disabled in ``mlflow.yml``) nothing is logged.
"""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is imported, which is below

from mf_nas_kd.tracking.child_runs import ChildRuns
from mf_nas_kd.tracking.parent_run import end_run, log_artifact, log_metrics, log_parameters, tracking_uri

__all__ = ["ChildRuns", "end_run", "log_artifact", "log_metrics", "log_parameters", "tracking_uri"]
