from pathlib import Path

import mlflow
import pytest

from tests.pipelines.running import catalog, run

FLOWS = {"study", "folder", "published_run"}
"""Fixtures that run stages of the flow: 20 s to a minute on two cores. The first test that asks for one waits for it."""


def pytest_collection_modifyitems(items):
    for item in items:
        here = Path(__file__).parent in item.path.parents  # pytest passes the items of all folders
        if here and FLOWS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _own_mlflow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("MLFLOW_ARTIFACT_LOCATION", str(folder / "artifacts"))
        yield
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """The whole flow, once; other tests look at what it left."""
    folder = tmp_path_factory.mktemp("study")
    run(folder)
    return folder


@pytest.fixture
def entries(study):
    return catalog(study)


@pytest.fixture(autouse=True)
def _no_run_is_left_open():
    yield
    left = mlflow.active_run()
    mlflow.end_run()
    assert left is None, "a run was left open"
