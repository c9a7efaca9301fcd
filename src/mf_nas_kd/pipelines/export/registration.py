"""What MLflow is told of the deployed network."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import onnx
import pandas as pd
import torch
from PIL import Image

from mf_nas_kd.export.card import NAMED_CLASSES, markdown
from mf_nas_kd.export.graph import metadata_in
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.records.device_costs import FLOAT32
from mf_nas_kd.records.metrics import metric_of
from mf_nas_kd.tracking import DeployedModel

DESCRIPTION = """\
Classifies images into {classes} classes: a small network for {dataset}, found and trained by mf_nas_kd.

Each version is the network that a run of the study `{study}` has delivered. `champion` is the one with the highest
test {metric}; versions that were tested on other images are not compared with it. `model_card.md` among the artifacts
of the source run has all that is known of a version.

Input: column `image`, the content of an image file (JPEG, PNG, ...), in base64 for the server. Output: `class` and
`probability`.
"""

SUMMARY = (
    "Test {metric} {score:.2f} % [{low:.2f}, {high:.2f}], {macs:,} multiply-accumulates and {params:,} parameters; "
    "float32, {latency:.3g} ms an image on {device}"
)

FROM_WINNER = ("dataset", "space", "architecture_id", "macs", "params")
"""Tags of a version that are in ``winner``."""

MEASURED = ("file_kib", "latency_ms", "activation_kib")
"""Tags of a version that are numbers in ``export_measurements``."""


def mlflow_model(
    onnx_model: bytes, card: str, images: ImageDataset, winner: Mapping[str, Any], measurements: pd.DataFrame
) -> DeployedModel:
    """The delivered network as a model of MLflow.

    Args:
        onnx_model: The deployed model in float32, serialised.
        card: The model card, in Markdown.
        images: The images.
        winner: ``winner``.
        measurements: ``export_measurements``.
    """
    metadata = metadata_in(onnx.load_from_string(onnx_model))
    (measured,) = measurements[measurements["precision"] == FLOAT32].to_dict(orient="records")
    metric, study = metric_of(winner), metadata["study"]
    named = ", ".join(images.class_names[:NAMED_CLASSES]) + (", ..." if images.classes > NAMED_CLASSES else "")
    facts = {name: winner[name] for name in FROM_WINNER} | {name: f"{measured[name]:.3g}" for name in MEASURED}
    of_device = {name: measured[name] for name in ("device_name", "runtime")}
    return DeployedModel(
        study=study,
        onnx_model=onnx_model,
        fingerprint=winner["model_fingerprint"],
        metric=metric.label,
        score=float(measured[metric.test]),
        test_images=images.test_fingerprint,
        description=DESCRIPTION.format(
            classes=images.classes, dataset=markdown(images.name), study=study, metric=metric.label
        ),
        summary=SUMMARY.format(
            metric=metric.label,
            score=100 * measured[metric.test],
            low=100 * measured["test_low"],
            high=100 * measured["test_high"],
            macs=winner["macs"],
            params=winner["params"],
            latency=measured["latency_ms"],
            device=measured["device_name"],
        ),
        card=card,
        facts=facts | of_device | {"classes": named, "licence": metadata["licence"]},
        example=_png(images),
    )


def _png(images: ImageDataset) -> bytes:
    """The first test image as a PNG file."""
    pixels = images.test.gathered(torch.tensor([0]))[0].permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "png")
    return file.getvalue()
