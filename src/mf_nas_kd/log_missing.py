"""The command ``log-missing``: evaluations of the study that MLflow lacks are logged."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.utils import _split_params
from kedro.framework.session import KedroSession
from kedro.utils import find_kedro_project

from mf_nas_kd import tracking

logger = logging.getLogger(__name__)


@click.command("log-missing")
@click.option("--env", "-e", default=None, help="Environment of the configuration, as in kedro run.")
@click.option("--params", default="", callback=_split_params, help="Parameters, as in kedro run.")
def log_missing(env: str | None, params: dict[str, Any]) -> None:
    """Log those evaluations of the study to MLflow of which it has no run."""
    project = find_kedro_project(Path.cwd()) or Path.cwd()
    with KedroSession.create(project_path=project, env=env, runtime_params=params) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # of the session that is made here
        experiment = getattr(getattr(context, "mlflow", None), "tracking", None)
        if experiment is None:
            raise click.ClickException("MLflow does not work, see the warning above: nothing was logged")
        plan, store = context.catalog.load("evaluation_plan"), context.catalog.load("evaluation_store")
        count = tracking.log_missing(store.of_study(plan["key"]), experiment.experiment._experiment)
    logger.info("%d evaluations were not in MLflow and have been logged", count)
