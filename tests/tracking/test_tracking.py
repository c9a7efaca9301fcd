"""MLflow on a real SQLite store."""

import json
import math
from dataclasses import replace

import mlflow
from mlflow.tracking import MlflowClient

from mf_nas_kd.records import LearningCurve
from mf_nas_kd.spaces.description import architecture_values, architecture_words
from mf_nas_kd.tracking import ChildRuns, Purpose, finish, log_artifact, log_metrics, log_parameters
from mf_nas_kd.tracking.child_runs import log_child
from tests.fakes import FakeEvaluator


def test_every_training_is_a_child_with_the_same_keys(parent, architectures, short):
    evaluator = FakeEvaluator()
    children = ChildRuns()
    children.log(evaluator.evaluate(architectures[0], short, 0))
    children.log(evaluator.failure(architectures[1], short, 0, "it broke"))
    finish()
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


def test_a_child_run_says_what_it_is(parent, architectures, short):
    evaluation, architecture = FakeEvaluator().evaluate(architectures[0], short, 3), architectures[0]
    ChildRuns(Purpose("final", lambda each: "finalist")).log(evaluation)
    ChildRuns(Purpose("search", lambda each: "low", "two_stage")).log(replace(evaluation, key="other"))
    finish()
    search, final = MlflowClient().search_runs(["1"], "tags.stage != ''", order_by=["tags.stage DESC"])
    words = architecture_words(architecture)
    assert final.info.run_name == f"final finalist | seed 3 | mobilenet_v2 {words} | 1/27 of the images, 1 epoch, none"
    assert search.info.run_name == f"{words} | 1/27 of the images, 1 epoch, none | seed 3"
    tags = {name: search.data.tags[name] for name in ("study", "stage", "role", "strategy", "fidelity", "code_version")}
    assert list(tags.values()) == ["test", "search", "low", "two_stage", "1/27 of the images, 1 epoch, none", "0"]
    own = {name.removeprefix("network."): value for name, value in search.data.params.items() if "network." in name}
    assert own == {name: str(value) for name, value in architecture_values(architecture).items()}
    assert json.loads(search.data.tags["architecture"]) == architecture.fields


def test_parameters_are_flat_and_curves_have_steps(parent):
    log_parameters({"search": {"budget": {"seconds": 3}, "options": {}, "list": [1, 2]}})
    log_metrics({"accuracy": 0.5, "loss": (3.0, 2.0)})
    run = mlflow.get_run(parent.info.run_id)
    assert run.data.params == {"search.budget.seconds": "3", "search.options": "{}", "search.list": "[1, 2]"}
    assert run.data.metrics["accuracy"] == 0.5
    assert [m.step for m in MlflowClient().get_metric_history(parent.info.run_id, "loss")] == [1, 2]


def test_an_evaluation_has_its_learning_curve_as_metrics_with_steps(parent, architectures, short):
    curve = LearningCurve((2.0, 1.0, 0.5), {1: 0.25, 3: 0.75})
    log_child(
        parent.info, replace(FakeEvaluator().evaluate(architectures[0], short, 0), learning_curve=curve), 0, Purpose()
    )
    (child,) = MlflowClient().search_runs(
        [parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    )
    history = {
        name: {each.step: each.value for each in MlflowClient().get_metric_history(child.info.run_id, name)}
        for name in ("epoch_loss", "epoch_val_accuracy")
    }
    assert history == {"epoch_loss": {1: 2.0, 2: 1.0, 3: 0.5}, "epoch_val_accuracy": {1: 0.25, 3: 0.75}}


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


def test_names_and_values_of_any_kind_are_logged(parent, tmp_path):
    (tmp_path / "picture.png").write_text("x")
    log_parameters({"recipes": {"kd, T=4": {"a/../b": "\x00\ud800" + 9000 * "x"}, 3: None, "kd_ T_4": 1}})
    log_metrics({"accuracy of \u00e9t\u00e9 (%)": 0.5, "a//b": 1.0, 300 * "long": 2.0})
    log_artifact(tmp_path / "picture.png", "../pictures of #1")
    run = mlflow.get_run(parent.info.run_id)
    assert len(run.data.params) == 3
    assert sorted(run.data.metrics.values()) == [0.5, 1.0, 2.0]
    folder, *_ = MlflowClient().list_artifacts(parent.info.run_id)
    assert folder.is_dir


def test_a_parameter_of_a_continued_run_that_differs_is_a_warning(parent, caplog, architectures, short):
    for value in range(5):
        log_parameters({"seed": value})
    children = ChildRuns()
    children.log(FakeEvaluator().evaluate(architectures[0], short, 0))
    finish()
    assert mlflow.get_run(parent.info.run_id).data.params == {"seed": "0"}
    assert len(mlflow.search_runs(output_format="list")) == 2
    (warning,) = [
        record.message for record in caplog.records if record.levelname == "WARNING" and "mf_nas_kd" in record.name
    ]
    assert "Changing param values is not allowed" in warning
    assert "\n" not in warning
