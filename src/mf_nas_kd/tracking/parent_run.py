"""The parent run of MLflow, one for each ``kedro run``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from mf_nas_kd.tracking.background import copies, finish
from mf_nas_kd.tracking.names import safe_key, safe_value

MOST_PARAMETERS_A_CALL = 100  # limits of MLflow's own interface
MOST_METRICS_A_CALL = 1000


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


def _log_batch(run_id: str, **batch: Any) -> None:
    MlflowClient().log_batch(run_id, **batch)


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
