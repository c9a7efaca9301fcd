"""MLflow: the parent run of a ``kedro run`` gets flat parameters and metrics, every training is a child run.

Only this room imports MLflow, and only the driver calls it. Without an active run (the library in a notebook, tracking
disabled in ``mlflow.yml``) nothing is logged.
"""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is imported, which is below

from mf_nas_kd.tracking.child_runs import ChildRuns
from mf_nas_kd.tracking.parent_run import log_artifact, log_metrics, log_parameters, tracking_uri

__all__ = ["ChildRuns", "log_artifact", "log_metrics", "log_parameters", "tracking_uri"]
