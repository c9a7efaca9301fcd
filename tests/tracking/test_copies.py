"""MLflow that raises, hangs, or comes back."""

import logging
import sqlite3
import subprocess
import sys
import threading

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from mf_nas_kd import tracking
from mf_nas_kd.tracking import ChildRuns, copies, finish
from tests.fakes import FakeEvaluator


@pytest.fixture
def evaluations(architectures, short):
    return [FakeEvaluator().evaluate(architectures[0], short, seed) for seed in range(12)]


@pytest.fixture
def hasty(monkeypatch):
    """Waits of a fraction of a second."""
    for name in ("CALL_SECONDS", "START_SECONDS", "STALLED_SECONDS"):
        monkeypatch.setattr(f"mf_nas_kd.tracking.background.{name}", 0.2)


@pytest.fixture
def hanging():
    """A call that returns when the test is over."""
    over = threading.Event()
    yield lambda: over.wait(300)
    over.set()


def warnings(caplog):
    return [each.message for each in caplog.records if each.levelno == logging.WARNING and "mf_nas_kd" in each.name]


@pytest.mark.parametrize("method", ["create_run", "log_batch", "set_terminated"])
@pytest.mark.parametrize("failure", [MlflowException("no", 10), ConnectionError("reset"), RuntimeError("x\ny")])
def test_a_failure_at_any_call_is_counted_and_the_others_are_logged(
    parent, evaluations, monkeypatch, caplog, method, failure
):
    children, calls, sound = ChildRuns(), [], getattr(MlflowClient, method)

    def fails_once(*arguments, **options):
        calls.append(method)
        if len(calls) == 2:
            raise failure
        return sound(*arguments, **options)

    monkeypatch.setattr(MlflowClient, method, fails_once)
    for evaluation in evaluations[:4]:
        children.log(evaluation)
    finish()
    runs = mlflow.search_runs(filter_string=f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'", output_format="list")
    logged = {run.data.tags["key"] for run in runs if "key" in run.data.tags and run.info.status == "FINISHED"}
    assert logged == {evaluations[number].key for number in (0, 2, 3)}
    first, last = warnings(caplog)
    assert first.startswith("MLflow gives trouble (")
    assert "\n" not in first
    assert last == "1 evaluations are not in MLflow: mf-nas-kd log-missing logs them"


def test_after_some_failures_mlflow_is_left_alone_for_a_while(parent, evaluations, monkeypatch, caplog):
    children, calls = ChildRuns(), []

    def gone(*_, **__):
        calls.append(1)
        raise ConnectionError("refused")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_run", gone)
        for evaluation in evaluations:
            children.log(evaluation)
        copies().wait()
    assert len(calls) == 3
    children.log(evaluations[0])
    assert len(mlflow.search_runs(output_format="list")) == 1
    monkeypatch.setattr(copies(), "_closed_until", 0.0)
    children.log(evaluations[0])
    finish()
    assert len(mlflow.search_runs(output_format="list")) == 2
    assert warnings(caplog)[1:] == ["13 evaluations are not in MLflow: mf-nas-kd log-missing logs them"]


def test_an_mlflow_that_hangs_is_not_waited_for(parent, evaluations, monkeypatch, caplog, hasty, hanging):
    monkeypatch.setattr("mf_nas_kd.tracking.background.PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(MlflowClient, "create_run", lambda *_, **__: hanging())
    children, waits, wait = ChildRuns(), [], threading.Event.wait

    def noted(self, seconds=300):
        if threading.current_thread() is threading.main_thread():
            waits.append(seconds)
        return wait(self, seconds)

    monkeypatch.setattr(threading.Event, "wait", noted)
    for evaluation in evaluations:
        children.log(evaluation)
        tracking.log_metrics({"a": 1.0})
    finish()
    in_main = [seconds for seconds in waits if seconds != 300]
    assert sum(in_main) < 5
    assert in_main[-1] == 0
    assert warnings(caplog)[-1] == "12 evaluations are not in MLflow: mf-nas-kd log-missing logs them"


def test_a_database_that_is_locked_or_gone_raises_nothing(parent, evaluations, tmp_path, caplog, hasty):
    children = ChildRuns()
    lock = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    children.log(evaluations[0])
    tracking.log_metrics({"a": 1.0})
    tracking.log_parameters({"a": 1})
    tracking.log_artifact(tmp_path / "none.png", "pictures")
    finish()
    lock.close()
    assert warnings(caplog)[-1] == "1 evaluations are not in MLflow: mf-nas-kd log-missing logs them"


def test_a_run_that_could_not_begin_has_its_evaluations_counted(evaluations, caplog):
    def down():
        raise ConnectionError("refused")

    assert copies().call(down) is None
    children = ChildRuns()
    for evaluation in evaluations:
        children.log(evaluation)
    finish()
    assert warnings(caplog)[-1] == "12 evaluations are not in MLflow: mf-nas-kd log-missing logs them"


def test_a_run_that_did_not_begin_in_time_is_told_of_and_has_its_evaluations_counted(evaluations, caplog, hanging):
    assert copies().call(hanging, 0.1, needed=True) is None
    assert copies().call(hanging, 0.1, needed=True) is None
    children = ChildRuns()
    for evaluation in evaluations:
        children.log(evaluation)
    assert warnings(caplog) == [
        "MLflow gives trouble (no answer in 0 s): what fails is not in MLflow, and the study goes on"
    ]
    copies()._waiting.clear()
    finish()
    assert warnings(caplog)[-1] == "12 evaluations are not in MLflow: mf-nas-kd log-missing logs them"


def test_without_trouble_nothing_is_said_and_nothing_is_lost_at_the_end(parent, evaluations, caplog, monkeypatch):
    monkeypatch.setattr("mf_nas_kd.tracking.child_runs.WAITED_SECONDS", 0.0)
    children = ChildRuns()
    for evaluation in evaluations:
        children.log(evaluation)
    finish()
    assert len(mlflow.search_runs(output_format="list")) == 13
    assert warnings(caplog) == []


def test_calls_see_and_change_the_active_run_of_their_caller(parent):
    assert copies().call(mlflow.active_run).info.run_id == parent.info.run_id
    run_id = copies().call(lambda: mlflow.start_run(nested=True).info.run_id, 60)
    assert mlflow.active_run().info.run_id == run_id
    copies().call(mlflow.end_run, 60)
    assert mlflow.active_run().info.run_id == parent.info.run_id


def test_a_script_that_ends_without_more_ado_has_logged_everything(tmp_path, project):
    code = f"""
import mlflow
from fractions import Fraction
from mf_nas_kd.records import Architecture, Fidelity
from mf_nas_kd.tracking import ChildRuns
from tests.fakes import FakeEvaluator
mlflow.set_tracking_uri("sqlite:///{tmp_path}/mlflow.db")
mlflow.set_experiment("script")
mlflow.start_run()
children = ChildRuns()
for seed in range(6):
    children.log(FakeEvaluator().evaluate(Architecture.of("s", a=1), Fidelity(Fraction(1, 3), 1), seed))
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=project)
    runs = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").search_runs(["1"])
    assert [run.info.status for run in runs] == ["FINISHED"] * 7
