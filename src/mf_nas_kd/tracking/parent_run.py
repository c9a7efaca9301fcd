"""The parent run of MLflow, one for each ``kedro run``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME, MLFLOW_RUN_NOTE

from mf_nas_kd.images import ImageDataset
from mf_nas_kd.tracking.background import copies, finish
from mf_nas_kd.tracking.inputs import image_input
from mf_nas_kd.tracking.names import safe_key, safe_value
from mf_nas_kd.tracking.views import experiment_tags, runs_page

MOST_PARAMETERS_A_CALL = 100  # limits of MLflow's own interface
MOST_METRICS_A_CALL = 1000


LOCAL_SERVER = "http://127.0.0.1:5000/"
"""Where ``mlflow ui`` serves its pages."""


@dataclass(frozen=True)
class RunDescription:
    """What a person is told of a run.

    Attributes:
        stages: The stages of the run, in the order of the flow.
        whole: Whether these are all stages.
        validation: Name of the metric that selects, for the validation images.
        test: The same for the test images.
        tags: Further tags: names and values.
    """

    stages: tuple[str, ...]
    whole: bool
    validation: str
    test: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def name(self, study: str, started: datetime) -> str:
        """Name of the run, such as ``digits: search, final (2026-01-31 12:30)``."""
        what = "whole study" if self.whole else ", ".join(self.stages)
        return f"{study}: {what} ({started:%Y-%m-%d %H:%M})"


def describe_run(description: RunDescription) -> None:
    """Give the active run a name and tags, and its experiment a text and saved views."""
    run = mlflow.active_run()
    if run is not None:
        copies().call(partial(_describe, run, description))


def log_images(images: ImageDataset, source: str, options: Mapping[str, Any]) -> None:
    """Log images as the input of the active run: see :func:`image_input`."""
    run = mlflow.active_run()
    if run is not None:
        run_id = run.info.run_id
        copies().call(lambda: MlflowClient().log_inputs(run_id, [image_input(images, source, options)]))


def log_note(text: str) -> None:
    """Set the description of the active run, in Markdown."""
    run = mlflow.active_run()
    if run is not None:
        copies().call(partial(_log_batch, run.info.run_id, tags=[RunTag(MLFLOW_RUN_NOTE, safe_value(text))]))


def runs_address() -> str | None:
    """Address of the page with the runs of the active run's experiment; None without one.

    It is that of the server, or, where MLflow keeps its runs in a database, that of ``mlflow ui`` on this machine.
    """
    run = mlflow.active_run()
    if run is None:
        return None
    uri = mlflow.get_tracking_uri()
    server = f"{uri.rstrip('/')}/" if uri.startswith(("http://", "https://")) else LOCAL_SERVER
    return server + runs_page(run.info.experiment_id)


def log_parameters(parameters: Mapping[str, Any]) -> None:
    """Log nested parameters to the active run, under flat names such as ``search.budget_seconds``."""
    run = mlflow.active_run()
    if run is None or not parameters:
        return
    flat = [Param(safe_key(name), safe_value(value)) for name, value in _flatten(parameters)]
    for start in range(0, len(flat), MOST_PARAMETERS_A_CALL):
        some = flat[start : start + MOST_PARAMETERS_A_CALL]
        copies().call(partial(_log_batch, run.info.run_id, params=some))


def log_metrics(metrics: Mapping[str, float | Sequence[float]]) -> None:
    """Log metrics to the active run: a number at step 0, the values of a sequence at steps 1, 2, and so on."""
    run = mlflow.active_run()
    if run is None:
        return
    now = int(time.time() * 1000)
    batch = [
        Metric(safe_key(name), float(number), now, step)
        for name, value in metrics.items()
        for step, number in (enumerate(value, start=1) if isinstance(value, Sequence) else [(0, value)])
    ]
    for start in range(0, len(batch), MOST_METRICS_A_CALL):
        some = batch[start : start + MOST_METRICS_A_CALL]
        copies().call(partial(_log_batch, run.info.run_id, metrics=some))


def log_artifact(path: Path, folder: str) -> None:
    """Copy a file into a folder of the active run's artifacts."""
    run = mlflow.active_run()
    if run is not None:
        run_id = run.info.run_id
        copies().call(lambda: MlflowClient().log_artifact(run_id, str(path), safe_key(folder)))


def end_run(status: str) -> None:
    """End the active run, if there is one, with a status of MLflow (``FAILED``, ``KILLED``); nothing is logged then."""
    if mlflow.active_run() is not None:
        copies().call(partial(mlflow.end_run, status))
    finish()


def tracking_uri() -> str:
    """Address of the store in which MLflow keeps its runs."""
    return mlflow.get_tracking_uri()


def _describe(run: Run, description: RunDescription) -> None:
    client, info = MlflowClient(), run.info
    experiment = client.get_experiment(info.experiment_id)
    tags = {
        MLFLOW_RUN_NAME: description.name(experiment.name, datetime.fromtimestamp(info.start_time / 1000)),
        "study": experiment.name,
        "stages": ", ".join(description.stages),
        **description.tags,
    }
    client.log_batch(info.run_id, tags=[RunTag(key, safe_value(value)) for key, value in tags.items()])
    names, now = (description.validation, description.test), int(time.time() * 1000)
    for key, value in experiment_tags(experiment.name, info.experiment_id, *names, now).items():
        if key not in experiment.tags:  # what a person has changed stays
            client.set_experiment_tag(info.experiment_id, key, safe_value(value))


def _log_batch(run_id: str, **batch: Any) -> None:
    MlflowClient().log_batch(run_id, **batch)


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
