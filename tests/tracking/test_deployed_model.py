"""A deployed network as a model of MLflow, on a real SQLite store; the network is the mean brightness of an image."""

import base64
import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from onnx import TensorProto, helper, load_from_string, numpy_helper
from PIL import Image

from mf_nas_kd.tracking import DeployedModel, deployed_model, finish, log_deployed_model

URI = "models:/mf-nas-kd-lamps@champion"


def png(brightness, size=(7, 5)):
    file = io.BytesIO()
    Image.new("L", size, brightness).save(file, "png")
    return file.getvalue()


def brightness_network():
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Sub", ["mean", "middle"], ["centred"]),
        helper.make_node("Mul", ["centred", "signs"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    weights = [numpy_helper.from_array(np.float32(128), "middle")]
    weights += [numpy_helper.from_array(np.array([-0.01, 0.01], np.float32), "signs")]
    pixels = helper.make_tensor_value_info("images", TensorProto.UINT8, ["B", "H", "W", 1])
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", 2]) for name in ("logits", "probabilities")]
    graph = helper.make_graph(nodes, "brightness", [pixels], results, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {"class_names": json.dumps(["off", "on"]), "image_shape": "[1, 8, 8]"})
    return model.SerializeToString()


LAMPS = DeployedModel(
    study="lamps",
    onnx_model=brightness_network(),
    fingerprint="first",
    metric="accuracy",
    score=0.5,
    test_images="these",
    description="Is the lamp on?",
    summary="A mean of pixels.",
    card="# Lamps\n\nA network.\n\n## Use\n",
    facts={"macs": 70},
    example=png(200),
)


@pytest.fixture(scope="module")
def store(_empty_mlflow_database, tmp_path_factory):
    """A store with three versions: the first, one that is worse, and the best; and the run of the first."""
    folder, before = tmp_path_factory.mktemp("mlflow"), mlflow.get_tracking_uri()
    uri = f"sqlite:///{shutil.copy(_empty_mlflow_database, folder)}"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("lamps", artifact_location=str(folder / "artifacts"))
    mlflow.set_experiment("lamps")
    with mlflow.start_run() as run:
        for fingerprint, score in {"first": 0.5, "worse": 0.4, "best": 0.6}.items():
            log_deployed_model(replace(LAMPS, fingerprint=fingerprint, score=score))
        log_deployed_model(LAMPS)
        finish()
    yield SimpleNamespace(uri=uri, run=run.info.run_id)
    mlflow.set_tracking_uri(before)


def test_a_network_is_registered_once_and_the_best_is_the_champion(store):
    client = MlflowClient(store.uri)
    versions = client.search_model_versions("name = 'mf-nas-kd-lamps'")
    assert sorted(version.tags["model_fingerprint"] for version in versions) == ["best", "first", "worse"]
    champion = client.get_model_version_by_alias("mf-nas-kd-lamps", "champion")
    assert champion.tags["model_fingerprint"] == "best"
    assert (champion.tags["macs"], champion.run_id) == ("70", store.run)
    assert champion.description == "A mean of pixels."
    assert client.get_registered_model("mf-nas-kd-lamps").description == "Is the lamp on?"
    assert [each.path for each in client.list_artifacts(store.run)] == ["model_card.md"]


def test_its_onnx_model_can_be_loaded_from_mlflow(store):
    assert mlflow.onnx.load_model(URI) == load_from_string(LAMPS.onnx_model)


@pytest.mark.slow
def test_it_classifies_files_where_neither_torch_nor_this_project_is(store, tmp_path):
    (tmp_path / "photo.png").write_bytes(png(250))
    code = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "mf_nas_kd"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import mlflow, pandas
mlflow.set_tracking_uri({store.uri!r})
model = mlflow.pyfunc.load_model({URI!r})
print(model.predict(pandas.DataFrame({{"image": [open("photo.png", "rb").read()]}})).to_json(orient="records"))
try:
    model.predict(pandas.DataFrame({{"image": [b"not an image"]}}))
except Exception as failure:
    print(failure)
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    answer, refusal = run.stdout.splitlines()
    assert json.loads(answer) == [{"class": "on", "probability": pytest.approx(1 / (1 + np.exp(-2.44)), abs=1e-4)}]
    assert refusal.startswith("image 0 of the request cannot be read: it is no image")


@pytest.mark.slow
def test_the_server_answers_requests_with_image_files(store):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["mlflow", "models", "serve", "-m", URI, "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # those of this environment first
    server = subprocess.Popen(
        command,
        env={**os.environ, "MLFLOW_TRACKING_URI": store.uri, "PATH": programs},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/ping", server)
        on, off = (base64.b64encode(png(brightness)).decode() for brightness in (250, 3))
        records = {"dataframe_records": [{"image": on}, {"image": off}]}
        answers = [_post(port, body) for body in (records, {"inputs": {"image": [on, off]}})]
        for answer in answers:
            assert [row["class"] for row in answer["predictions"]] == ["on", "off"]
            assert all(0.9 < row["probability"] < 1 for row in answer["predictions"])
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _wait_for(address, server):
    while server.poll() is None:
        try:
            return urllib.request.urlopen(address, timeout=10)
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server has ended")


def _post(port, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    return json.load(urllib.request.urlopen(request, timeout=60))


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"test_score": "0.500000"}, "stays version 7: test accuracy 50.00 % is not above 50.00 %"),
        ({"test_score": "0.1", "test_images_fingerprint": "others"}, "stays version 7, which was scored on other test"),
        ({"test_score": "0.1", "metric": "balanced accuracy"}, "stays version 7, which was scored on other test"),
        ({"test_score": "0.4"}, None),
    ],
)
def test_a_champion_is_replaced_by_a_better_network_for_the_same_images_only(tags, why):
    champion = SimpleNamespace(version=7, tags={"test_images_fingerprint": "these", "metric": "accuracy", **tags})
    reason = deployed_model.why_champion_stays(LAMPS, champion)
    assert reason is None if why is None else reason.startswith(why)


def test_without_a_registry_the_model_is_in_its_run(store, monkeypatch, caplog):
    def no_registry(*arguments, **options):
        raise MlflowException("this store has no registry")

    monkeypatch.setattr(MlflowClient, "search_registered_models", no_registry)
    with mlflow.start_run():
        log_deployed_model(replace(LAMPS, fingerprint="other"))
        finish()
    (warning,) = [record.getMessage() for record in caplog.records if record.name.startswith("mf_nas_kd")]
    assert warning == "The model is in MLflow, and not registered as mf-nas-kd-lamps: this store has no registry"
    (newest, *_) = mlflow.search_logged_models(output_format="list")
    assert newest.tags["model_fingerprint"] == "other"


def test_without_a_run_nothing_is_logged(monkeypatch):
    monkeypatch.setattr(deployed_model, "copies", lambda: pytest.fail("MLflow is called"))
    log_deployed_model(LAMPS)
