"""Logging of those evaluations of a study that MLflow lacks, because it had trouble or the run was killed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroSession

from mf_nas_kd import tracking
from mf_nas_kd.errors import TrackingError


def log_missing(project: Path, environment: str | None, parameters: Mapping[str, Any]) -> int:
    """Log evaluations of the study of which MLflow has no run.

    Args:
        project: Folder of the project.
        environment: Environment of the configuration; None for the default.
        parameters: Parameters of the command line.

    Returns:
        The number of evaluations that were logged.

    Raises:
        TrackingError: If MLflow cannot be set up.
    """
    with KedroSession.create(project_path=project, env=environment, runtime_params=dict(parameters)) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # of the session that is made here
        experiment = getattr(getattr(context, "mlflow", None), "tracking", None)
        if experiment is None:
            raise TrackingError("MLflow does not work (see the warning above), so nothing was logged")
        plan, store = context.catalog.load("evaluation_plan"), context.catalog.load("evaluation_store")
        planned = dict(zip(plan["key"], plan["role"], strict=True))
        return tracking.log_missing(store.of_study(plan["key"]), experiment.experiment._experiment, planned)
