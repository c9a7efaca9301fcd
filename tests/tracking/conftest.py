import mlflow
import pytest

from mf_nas_kd import tracking


@pytest.fixture
def parent(tmp_path, mlflow_database):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(mlflow_database)
    mlflow.create_experiment("test", artifact_location=str(tmp_path / "artifacts"))
    mlflow.set_experiment("test")
    with mlflow.start_run() as run:
        yield run
    mlflow.set_tracking_uri(before)


@pytest.fixture(autouse=True)
def _a_run_of_its_own():
    tracking.finish()
    yield
    tracking.finish()
