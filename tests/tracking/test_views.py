"""Names, saved views and addresses of runs; what the page makes of them is in ``tests/browsers/test_mlflow.py``."""

import json
from dataclasses import replace
from datetime import datetime

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from mf_nas_kd.tracking import RunDescription, describe_run, finish, runs_address
from mf_nas_kd.tracking.overview import overview_page, overview_table
from mf_nas_kd.tracking.views import VIEW_TAG
from tests.fakes import FakeEvaluator

DESCRIPTION = RunDescription(("search", "final"), False, "val_accuracy", "test_accuracy", {"space": "mobilenet_v2"})


def test_a_run_is_named_by_its_study_its_stages_and_its_time():
    noon = datetime(2026, 1, 31, 12, 0)
    assert DESCRIPTION.name("digits", noon) == "digits: search, final (2026-01-31 12:00)"
    assert replace(DESCRIPTION, whole=True).name("digits", noon) == "digits: whole study (2026-01-31 12:00)"


def test_an_experiment_has_saved_views_and_keeps_what_a_person_has_changed(parent):
    client = MlflowClient()
    client.set_experiment_tag("1", "mlflow.note.content", "mine")
    describe_run(DESCRIPTION)
    finish()
    run, tags = client.get_run(parent.info.run_id), client.get_experiment("1").tags
    assert run.info.run_name.startswith("test: search, final (")
    assert (run.data.tags["stages"], run.data.tags["space"]) == ("search, final", "mobilenet_v2")
    assert tags["mlflow.note.content"] == "mine"
    views = {name.removeprefix(VIEW_TAG): json.loads(value) for name, value in tags.items() if VIEW_TAG in name}
    assert set(views) == {"runs", "evaluations", "full", "final"}
    state = json.loads(views["final"]["state"])
    assert state["searchFilter"] == "tags.stage = 'final'"
    assert client.search_runs(["1"], state["searchFilter"], order_by=[f"{state['orderByKey']} DESC"]) == []


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        (None, "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=runs"),
        ("https://h:1/", "https://h:1/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=runs"),
    ],
)
def test_the_address_opens_the_runs_of_the_experiment(parent, monkeypatch, uri, address):
    if uri is not None:
        monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: uri)
    assert runs_address() == address


def test_the_page_of_all_evaluations_holds_each_that_finished(architectures, short):
    evaluator = FakeEvaluator()
    made = [evaluator.evaluate(each, short, seed) for each in architectures for seed in range(60)]
    failed = evaluator.failure(architectures[0], short, 99, "it broke")
    table = overview_table([*made, failed], {made[0].key: "low"}, "val_accuracy", "test_accuracy")
    assert len(table) == 360
    assert table["val_accuracy"].is_monotonic_decreasing
    assert table["role"].value_counts()["low"] == 1
    page = overview_page(table, "val_accuracy", "test_accuracy")
    assert "360 evaluations of 6 networks" in page
    assert page.count("Plotly.newPlot") >= 2
    assert 'src="http' not in page
