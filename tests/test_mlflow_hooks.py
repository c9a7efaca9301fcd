"""Kedro-mlflow's hooks under trouble, and what a run copies of its own."""

import json
import logging
import re

import mlflow
import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, Version
from mlflow.tracking import MlflowClient

from mf_nas_kd import __version__, tracking
from mf_nas_kd.datasets import AtomicTextDataset
from mf_nas_kd.hooks import ProjectHooks
from mf_nas_kd.mlflow_hooks import _with_safe_experiment


@pytest.fixture(autouse=True)
def _address_as_before():
    before = mlflow.get_tracking_uri()
    yield
    tracking.finish()
    left = mlflow.active_run()
    mlflow.end_run()
    mlflow.set_tracking_uri(before)
    assert left is None


@pytest.fixture
def address(tmp_path, monkeypatch, mlflow_database):
    """A database of MLflow that is waited for however busy the machine is."""
    for name in ("CALL_SECONDS", "START_SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(f"mf_nas_kd.tracking.background.{name}", 600.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_database)
    monkeypatch.setenv("MLFLOW_ARTIFACT_LOCATION", str(tmp_path / "artifacts"))
    return mlflow_database


def run(project, data_dir, **parameters):
    """The pipeline ``data``, which takes a second."""
    bootstrap_project(project)
    given = {"data_dir": str(data_dir), **parameters}
    with KedroSession.create(project_path=project, env="smoke", runtime_params=given) as session:
        session.run(pipeline_names=["data"])


def warnings(caplog):
    return [each.message for each in caplog.records if each.levelno == logging.WARNING and "mf_nas_kd" in each.name]


def finished(address, experiment="smoke"):
    client = MlflowClient(address)
    (found,) = [each for each in client.search_experiments() if each.name == experiment]
    return client.search_runs([found.experiment_id])


def test_a_run_has_a_parent_with_parameters_and_pictures(project, tmp_path, address, caplog):
    run(project, tmp_path / "data")
    (parent,) = finished(address)
    assert parent.info.status == "FINISHED"
    assert re.fullmatch(r"smoke: data \(\d{4}-\d\d-\d\d \d\d:\d\d\)", parent.info.run_name)
    told = {name: parent.data.tags[name] for name in ("study", "stages", "space", "strategy", "version")}
    assert list(told.values()) == ["smoke", "data", "mobilenet_v2", "mf_kd", __version__]
    (images,) = parent.inputs.dataset_inputs
    profile = json.loads(images.dataset.profile)
    assert (images.dataset.name, images.dataset.source_type) == ("digits", "digits")
    assert len(images.dataset.digest) == 16
    assert (profile["num_rows"], profile["classes"]) == (1797, 10)
    assert profile["train_images"] + profile["validation_images"] + profile["test_images"] == 1797
    assert parent.data.params["images.source"] == "digits"
    assert "images" not in parent.data.params, "a model as one text"
    assert [each.path for each in MlflowClient(address).list_artifacts(parent.info.run_id)] == ["pictures"]
    assert warnings(caplog) == []


@pytest.mark.parametrize("where", ["http://127.0.0.1:9", "no-such-scheme://x", "sqlite:////proc/none/mlflow.db"])
def test_an_address_where_nothing_is_does_not_end_a_run(project, tmp_path, where, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", where)
    run(project, tmp_path / "data")
    assert (tmp_path / "data/1_images/images.safetensors").is_file()
    (warning,) = warnings(caplog)
    assert warning.startswith("MLflow gives trouble (")


def test_a_folder_of_artifacts_that_is_a_file_does_not_end_a_run(project, tmp_path, address, caplog):
    (tmp_path / "artifacts").write_text("in the way")
    run(project, tmp_path / "data")
    (parent,) = finished(address)
    assert parent.info.status == "FINISHED"
    (warning,) = warnings(caplog)
    assert warning.startswith("MLflow gives trouble (")


@pytest.mark.parametrize("method", ["start_run", "set_tags", "end_run", "set_experiment"])
def test_no_call_of_kedro_mlflow_ends_a_run(project, tmp_path, address, monkeypatch, caplog, method):
    def broken(*_, **__):
        raise RuntimeError(f"{method} is broken")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow, method, broken)
        run(project, tmp_path / "data")
    mlflow.end_run()
    (warning,) = warnings(caplog)
    assert f"{method} is broken" in warning


def test_kedro_mlflow_logs_no_parameter_of_its_own(project, tmp_path, address, monkeypatch, caplog):
    """They are logged once, in batches, by the project's own hook."""

    def called(*_, **__):
        raise RuntimeError("log_param is called")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow, "log_param", called)
        run(project, tmp_path / "data")
    (parent,) = finished(address)
    assert parent.data.params["images.source"] == "digits"
    assert warnings(caplog) == []


@pytest.mark.parametrize("run_id", ["unknown", "0123456789abcdef0123456789abcdef", "../x"])
def test_an_unknown_run_to_continue_is_a_warning(project, tmp_path, address, caplog, run_id):
    run(project, tmp_path / "data", mlflow_run_id=run_id)
    (warning,) = warnings(caplog)
    assert run_id in warning


def test_a_continued_run_with_another_parameter_goes_on(project, tmp_path, address, caplog):
    run(project, tmp_path / "data")
    (before,) = finished(address)
    run(project, tmp_path / "other", mlflow_run_id=before.info.run_id, images={"seed": 7})
    (after,) = finished(address)
    assert (after.info.run_id, after.info.status) == (before.info.run_id, "FINISHED")
    (warning,) = warnings(caplog)
    assert "Changing param values is not allowed" in warning


@pytest.mark.parametrize("study", ["a/b: c", "", 2024, 600 * "x"])
def test_any_name_of_a_study_is_an_experiment(address, study):
    class Context:
        config_loader = type("Loader", (dict,), {"config_patterns": {}})(
            mlflow={"tracking": {"experiment": {"name": study}}}
        )

    _with_safe_experiment(Context)
    name = Context.config_loader["mlflow"]["tracking"]["experiment"]["name"]
    MlflowClient(address).create_experiment(name)


def test_of_two_runs_each_copies_its_own_report(tmp_path, address):
    """The versions of the second run are newer before the first one has copied its own."""
    mlflow.set_tracking_uri(address)
    mlflow.create_experiment("test", artifact_location=str(tmp_path / "artifacts"))
    mlflow.set_experiment("test")
    catalogs = {
        version: DataCatalog(
            {
                "report": AtomicTextDataset(
                    filepath=str(tmp_path / "report.html"),
                    version=Version(None, version),
                    metadata={"mlflow": {"artifact_path": "report"}},
                )
            }
        )
        for version in ("2026-01-01T00.00.00.000Z", "2026-01-02T00.00.00.000Z")
    }
    for version, catalog in catalogs.items():
        catalog.save("report", version)
    for version, catalog in catalogs.items():
        hooks = ProjectHooks()
        hooks._catalog = catalog
        with mlflow.start_run() as begun:
            hooks.after_dataset_saved("report", version)
        (copied,) = (tmp_path / "artifacts").rglob(f"{begun.info.run_id}/**/report.html")
        assert copied.read_text() == version
