"""MLflow on a real SQLite store."""

import math

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from mf_nas_kd.tracking import ChildRuns, log_metrics, log_parameters
from tests.fakes import FakeEvaluator


@pytest.fixture
def parent(tmp_path):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.create_experiment("test", artifact_location=str(tmp_path / "artifacts"))
    mlflow.set_experiment("test")
    with mlflow.start_run() as run:
        yield run
    mlflow.set_tracking_uri(before)


def test_every_training_is_a_child_with_the_same_keys(parent, architectures, short):
    evaluator = FakeEvaluator()
    children = ChildRuns()
    children.log(evaluator.evaluate(architectures[0], short, 0))
    children.log(evaluator.failure(architectures[1], short, 0, "it broke"))
    finished, failed = sorted(
        MlflowClient().search_runs([parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'"),
        key=lambda run: run.info.status,
        reverse=True,
    )
    assert (finished.info.status, failed.info.status) == ("FINISHED", "FAILED")
    assert finished.data.params.keys() == failed.data.params.keys()
    assert finished.data.metrics["macs"] == 1000
    assert failed.data.tags["error"] == "it broke"
    assert finished.data.metrics.keys() == failed.data.metrics.keys()
    assert math.isnan(failed.data.metrics["val_accuracy"])


def test_parameters_are_flat_and_curves_have_steps(parent):
    log_parameters({"search": {"budget": {"seconds": 3}, "options": {}, "list": [1, 2]}})
    log_metrics({"accuracy": 0.5, "loss": (3.0, 2.0)})
    run = mlflow.get_run(parent.info.run_id)
    assert run.data.params == {"search.budget.seconds": "3", "search.options": "{}", "search.list": "[1, 2]"}
    assert run.data.metrics["accuracy"] == 0.5
    assert [m.step for m in MlflowClient().get_metric_history(parent.info.run_id, "loss")] == [1, 2]


def test_a_pipeline_without_parameters_logs_none(parent):
    log_parameters({})
    assert mlflow.get_run(parent.info.run_id).data.params == {}


def test_without_a_run_nothing_is_logged(architectures, short):
    assert mlflow.active_run() is None
    ChildRuns().log(FakeEvaluator().evaluate(architectures[0], short, 0))
    log_metrics({"a": 1.0})
    log_parameters({"a": 1})
    assert mlflow.active_run() is None


def test_a_call_has_no_more_metrics_than_a_server_takes(parent, monkeypatch):
    """A local store takes any number, a server refuses more than 1000."""
    sizes, log_batch = [], MlflowClient.log_batch

    def counted(client, run_id, metrics):
        sizes.append(len(metrics))
        return log_batch(client, run_id, metrics)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    log_metrics({f"cost.{place}": float(place) for place in range(1100)})
    assert sizes == [1000, 100]
    assert MlflowClient().get_run(parent.info.run_id).data.metrics["cost.1099"] == 1099
