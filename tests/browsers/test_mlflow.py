"""MLflow's pages of a study, looked at as a person does: the printed address, the views, a run, the registered model."""

import json
import re
import shutil
import sys
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from urllib.parse import quote

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from mf_nas_kd import tracking
from mf_nas_kd.records import Costs, Fidelity, LearningCurve
from mf_nas_kd.spaces.description import architecture_words
from tests.browsers.conftest import free_port, served
from tests.fakes import FakeEvaluator
from tests.tracking.test_deployed_model import LAMPS

CURVE = LearningCurve((2.0, 1.0), {1: 0.25, 2: 0.5})
LOW, FULL = Fidelity(Fraction(1, 9), epochs=12, distillation="kd"), Fidelity(Fraction(1), epochs=30)


def evaluations(architectures, fidelity):
    evaluator = FakeEvaluator()
    for number, architecture in enumerate(architectures):
        made = replace(evaluator.evaluate(architecture, fidelity, number), learning_curve=CURVE)
        yield replace(made, costs=Costs(1000 * (number + 1), 100))


@pytest.fixture(scope="module")
def study(_empty_mlflow_database, tmp_path_factory, architectures, digits):
    """A server over a database with one run of a study, and its children."""
    folder, before = tmp_path_factory.mktemp("mlflow"), mlflow.get_tracking_uri()
    uri = f"sqlite:///{shutil.copy(_empty_mlflow_database, folder)}"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("lamps", artifact_location=str(folder / "artifacts"))
    mlflow.set_experiment("lamps")
    with mlflow.start_run() as run:
        tracking.describe_run(tracking.RunDescription(("evaluation", "final"), False, "val_accuracy", "test_accuracy"))
        tracking.log_images(digits, "digits", {})
        tracking.log_parameters({"search": {"strategy": "mf_kd"}})
        tracking.log_metrics({"winner_test_accuracy": 0.875, "winner_macs": 1000.0})
        low, full = (list(evaluations(architectures, fidelity)) for fidelity in (LOW, FULL))
        for each in low:
            tracking.ChildRuns(tracking.Purpose("evaluation", lambda _: "low")).log(each)
        for each in full[:4]:
            tracking.ChildRuns(tracking.Purpose("final", lambda _: "finalist")).log(each)
        many = [replace(each, key=f"{number} {each.key}") for each in (*low, *full) for number in range(30)]
        tracking.log_overview(many, {}, "val_accuracy", "test_accuracy")
        tracking.log_deployed_model(LAMPS)
        address = tracking.runs_address()
    tracking.finish()
    mlflow.set_tracking_uri(before)
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", str(port), "--workers", "1"]
    with served(command, f"http://127.0.0.1:{port}/") as server:
        printed = address.replace("http://127.0.0.1:5000/", server)
        yield SimpleNamespace(server=server, printed=printed, run=run.info.run_id, client=MlflowClient(uri), low=low)


@pytest.fixture
def look(open_page):
    """Opens a page of MLflow, without the assistant that covers a part of it."""

    def opened(address):
        page = open_page("about:blank")
        page.add_init_script(
            "if (window === top) localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
        )
        page.goto(address)
        return page

    return opened


def shown(page, text):
    """Wait until a text is on the page."""
    page.get_by_text(text).first.wait_for()


def headings(page):
    return [each.strip() for each in page.locator(".ag-header-cell").all_inner_texts()]


def test_the_printed_address_opens_the_runs_with_the_network_that_was_found(study, look):
    page = look(study.printed)
    shown(page, re.compile(r"^lamps: evaluation, final \(\d{4}-"))
    assert page.get_by_text("Run Name").is_visible()
    assert {"winner_test_accuracy", "winner_macs"} & set(headings(page))
    shown(page, "one run for each")  # how to read it
    page.locator(".ag-row button").first.click()  # opens the children of the run
    shown(page, re.compile("^final finalist"))


def test_a_view_of_the_menu_shows_the_evaluations_by_their_networks(study, look):
    page = look(study.printed)
    page.get_by_role("button", name="Runs").last.click()
    page.get_by_text("All evaluations", exact=True).last.click()
    best = max(study.low, key=lambda each: each.metrics.val_accuracy)
    shown(page, f"{architecture_words(best.architecture)} | 1/9 of the images, 12 epochs, kd | seed {best.seed}")
    shown(page, "10 matching runs")
    assert {"fidelity", "role", "val_accuracy"} <= set(headings(page))


def test_the_charts_of_the_evaluations_compare_choices_and_scores(study, look):
    page = look(study.printed.replace("=runs", "=evaluations") + "&compareRunsMode=CHART")
    shown(page, "Parallel Coordinates")
    shown(page, "macs vs. val_accuracy")
    page.get_by_text("network.total_depth").first.wait_for(state="attached")
    shown(page, "epoch_val_accuracy")


def test_runs_can_be_compared_by_the_parameters_of_their_networks(study, look):
    runs = study.client.search_runs(["1"], "tags.stage = 'final'")
    ids = quote(json.dumps([run.info.run_id for run in runs]))
    page = look(f"{study.server}#/compare-runs?runs={ids}&experiments={quote(json.dumps(['1']))}")
    shown(page, "Comparing 4 Runs")
    for name in ("network.channels", "network.depth", "network.stage_1.channels"):
        shown(page, name)


def test_the_page_of_a_run_has_its_images_and_all_evaluations(study, look):
    address = f"{study.server}#/experiments/1/runs/{study.run}"
    page = look(address)
    shown(page, "winner_test_accuracy")
    shown(page, re.compile(r"digits \([0-9a-f]{16}\)"))
    page.goto(f"{address}/artifacts/evaluations.html")
    frame = page.frame_locator("iframe").first
    frame.get_by_text("360 evaluations of 6 networks").wait_for()
    frame.locator(".parcoords, .js-plotly-plot").nth(1).wait_for()
    page.get_by_text("evaluations.json").first.click()
    shown(page, "1/9 of the images, 12 epochs, kd")


def test_a_training_has_its_learning_curve(study, look):
    (run, *_) = study.client.search_runs(["1"], "tags.stage = 'final'")
    page = look(f"{study.server}#/experiments/1/runs/{run.info.run_id}/model-metrics")
    shown(page, "epoch_val_accuracy")
    page.locator(".js-plotly-plot").nth(1).wait_for()


def test_the_registered_model_says_what_it_is(study, look):
    page = look(f"{study.server}#/models/mf-nas-kd-lamps")
    shown(page, "Is the lamp on?")
    shown(page, "@ champion")
