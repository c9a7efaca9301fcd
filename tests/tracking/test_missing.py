from dataclasses import replace

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from mf_nas_kd.tracking import ChildRuns, finish, log_missing
from tests.fakes import FakeEvaluator

PLANNED: dict[str, str] = {}


@pytest.fixture
def evaluations(architectures, short):
    return [FakeEvaluator().evaluate(architectures[0], short, seed) for seed in range(5)]


@pytest.fixture
def experiment(parent):
    return mlflow.get_experiment(parent.info.experiment_id)


def keys_by_parent(parent):
    runs = MlflowClient().search_runs([parent.info.experiment_id])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    return sorted((run.data.tags["mlflow.parentRunId"] == parent.info.run_id, run.data.tags["key"]) for run in children)


def test_what_mlflow_lacks_is_logged_once_under_a_run_of_its_own(parent, experiment, evaluations, monkeypatch):
    monkeypatch.setattr("mf_nas_kd.tracking.missing._RUNS_A_QUERY", 2)
    children = ChildRuns()
    for evaluation in evaluations[:3]:
        children.log(evaluation)
    finish()
    assert log_missing(evaluations, experiment, PLANNED) == 2
    expected = sorted((number < 3, evaluation.key) for number, evaluation in enumerate(evaluations))
    assert keys_by_parent(parent) == expected
    assert log_missing(evaluations, experiment, PLANNED) == 0
    assert keys_by_parent(parent) == expected
    assert log_missing([replace(evaluations[0], key="planned")], experiment, {"planned": "full"}) == 1
    planned, late = (
        next(run for run in MlflowClient().search_runs(["1"]) if run.data.tags.get("key") == key)
        for key in ("planned", evaluations[4].key)
    )
    assert (planned.data.tags["stage"], planned.data.tags["role"]) == ("evaluation", "full")
    assert late.data.tags["stage"] == "search or final"
    assert late.info.end_time == 1767225600000  # the evaluation's own, not that of the copy


def test_a_child_run_that_was_cut_off_is_logged_again(parent, experiment, evaluations, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_batch", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("reset")))
        ChildRuns().log(evaluations[0])
        finish()
    assert log_missing(evaluations[:1], experiment, PLANNED) == 1
    assert log_missing(evaluations[:1], experiment, PLANNED) == 0


def test_a_time_that_cannot_be_read_is_no_obstacle(parent, experiment, evaluations):
    assert log_missing([replace(evaluations[0], finished_at="yesterday", key="k")], experiment, PLANNED) == 1
