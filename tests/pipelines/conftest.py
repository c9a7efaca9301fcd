import mlflow
import pytest

from tests.pipelines.running import catalog, run


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
