import shutil

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from mf_nas_kd import tracking


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A database with MLflow's tables, to be copied: MLflow takes seconds to make them."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def parent(empty_database, tmp_path):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{shutil.copy(empty_database, tmp_path)}")
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
