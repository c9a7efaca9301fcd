"""The deployed network as a model of MLflow: logged with the run, registered, and the champion where it is better."""

from __future__ import annotations

import importlib.metadata
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema

from mf_nas_kd.records.fields import storable
from mf_nas_kd.tracking.background import START_SECONDS, copies
from mf_nas_kd.tracking.model_files import LOADER, write_package
from mf_nas_kd.tracking.names import safe_key, safe_model, safe_value

CHAMPION = "champion"
PREFIX = "mf-nas-kd-"
NAME = "model"
"""Name of the logged model within its run."""

REQUIREMENTS = ("numpy", "onnxruntime", "pillow")

SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.binary, "image")]),
    outputs=Schema([ColSpec(DataType.string, "class"), ColSpec(DataType.double, "probability")]),
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeployedModel:
    """What MLflow is told of a deployed network.

    Attributes:
        study: Name of the study; the registered model is called ``mf-nas-kd-<study>``.
        onnx_model: The deployed ONNX model, serialised: input ``images`` ``(B, H, W, C)``, uint8; outputs ``logits``
            and ``probabilities`` ``(B, K)``; metadata ``class_names`` and ``image_shape``.
        fingerprint: Fingerprint of the network; a network is registered once.
        metric: Label of the metric of ``score``.
        score: Score of the network for the test images, in [0, 1].
        test_images: Fingerprint of the test images; scores for others are not compared.
        description: What the registered model is, in Markdown.
        summary: What this version is, in a sentence.
        card: The model card, in Markdown.
        facts: Further tags of the version: names and values.
        example: Content of an image file, as an example of what the model takes.
    """

    study: str
    onnx_model: bytes
    fingerprint: str
    metric: str
    score: float
    test_images: str
    description: str
    summary: str
    card: str
    facts: Mapping[str, object]
    example: bytes

    @property
    def name(self) -> str:
        """Name of the registered model."""
        return safe_model(f"{PREFIX}{self.study}")

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the version."""
        own = {
            "model_fingerprint": self.fingerprint,
            "metric": self.metric,
            "test_score": f"{self.score:.6f}",
            "test_images_fingerprint": self.test_images,
        }
        return {safe_key(name): safe_value(value) for name, value in {**self.facts, **own}.items()}


def log_deployed_model(model: DeployedModel) -> None:
    """Log a model to the active run, with its card, and register it. Without an active run nothing is logged.

    Raises nothing: MLflow has copies.
    """
    if mlflow.active_run() is not None:
        copies().call(lambda: _log_and_register(model), START_SECONDS)


def _log_and_register(model: DeployedModel) -> None:
    run = mlflow.active_run()
    if run is None:  # it has ended in the meantime
        return
    MlflowClient().log_text(run.info.run_id, storable(model.card), "model_card.md")
    logged = _log(model)
    try:
        _register(model, logged.model_uri, run.info.run_id)
    except MlflowException as failure:  # such as that of a store without a registry
        cause = " ".join(str(failure).split())[:500]
        logger.warning("The model is in MLflow, and not registered as %s: %s", model.name, cause)


def _log(model: DeployedModel) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(model.onnx_model)
        return Model.log(
            artifact_path=None,
            name=NAME,
            flavor=ImagesInOnnx,
            file=file,
            signature=SIGNATURE,
            input_example=pd.DataFrame({"image": [model.example]}),
            tags=model.tags,
            metadata={"study": model.study},
        )


class ImagesInOnnx:
    """A flavour of MLflow: served as a Python function of image files; ``mlflow.onnx.load_model`` reads it as well."""

    @staticmethod
    def save_model(path: str, mlflow_model: Model, file: Path, **options: Any) -> None:
        """Save the model into a folder.

        Args:
            path: The folder.
            mlflow_model: What MLflow notes of the model.
            file: The deployed ONNX model.
            options: Options of ``mlflow.pyfunc.save_model``.
        """
        version = importlib.metadata.version("onnx")
        mlflow_model.add_flavor("onnx", onnx_version=version, data=f"data/{file.name}")
        mlflow.pyfunc.save_model(
            path,
            loader_module=LOADER,
            data_path=str(file),
            code_paths=[str(write_package(file.parent))],
            mlflow_model=mlflow_model,
            pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
            **options,
        )


def _register(model: DeployedModel, uri: str, run_id: str) -> None:
    """Register the network, unless it is, and make it the champion if it is better."""
    client = MlflowClient()
    if not client.search_registered_models(f"name = '{model.name}'"):
        tags = {"study": safe_value(model.study), "task": "image classification"}
        client.create_registered_model(model.name, tags, safe_value(model.description))
    version = _version_of(client, model) or client.create_model_version(
        model.name, uri, run_id, model.tags, description=safe_value(model.summary)
    )
    champion = _champion(client, model.name)
    stays = why_champion_stays(model, champion)
    if champion is not None and champion.version == version.version:
        logger.info("The network is registered already: models:/%s@%s", model.name, CHAMPION)
    elif stays is None:
        client.set_registered_model_alias(model.name, CHAMPION, version.version)
        logger.info("Registered in MLflow: models:/%s@%s is version %s", model.name, CHAMPION, version.version)
    else:
        logger.info("Registered in MLflow: %s, version %s; %s %s", model.name, version.version, CHAMPION, stays)


def _version_of(client: MlflowClient, model: DeployedModel) -> ModelVersion | None:
    """The version that is this network; None if it is not registered."""
    versions = client.search_model_versions(f"name = '{model.name}'")
    return next((each for each in versions if each.tags.get("model_fingerprint") == model.fingerprint), None)


def _champion(client: MlflowClient, name: str) -> ModelVersion | None:
    try:
        return client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException:  # there is none yet
        return None


def why_champion_stays(model: DeployedModel, champion: ModelVersion | None) -> str | None:
    """Why a registered champion is not replaced, as the end of a sentence; None if it is."""
    if champion is None:
        return None
    stays, tags = f"stays version {champion.version}", champion.tags
    if tags.get("test_images_fingerprint") != model.test_images or tags.get("metric") != model.metric:
        return f"{stays}, which was scored on other test images or by another metric"
    score = float(tags["test_score"])
    if model.score <= score:
        return f"{stays}: test {model.metric} {100 * model.score:.2f} % is not above {100 * score:.2f} %"
    return None
