"""Nodes of the pipeline ``export``."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mf_nas_kd import figures
from mf_nas_kd.export.folder import network_folder
from mf_nas_kd.export.onnx import export_onnx
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.pipelines.export.parameters import ExportParameters
from mf_nas_kd.statistics import CorrelationSettings, worst_predictions


def export_network(network: TrainedNetwork, images: ImageDataset, parameters: ExportParameters) -> bytes:
    """Export the delivered network as an ONNX model."""
    return export_onnx(network, images.class_names, parameters.opset)


def write_network_folder(
    network: TrainedNetwork,
    onnx_model: bytes,
    images: ImageDataset,
    winner: dict[str, Any],
    references: pd.DataFrame,
    predictions: pd.DataFrame,
    curve: pd.DataFrame,
    correlation: CorrelationSettings,
) -> dict[str, bytes]:
    """Put together the folder that the user keeps: the network, its metrics, its errors, and how to use it."""
    worst = worst_predictions(predictions, figures.WORST_IMAGES)
    picture = figures.png(figures.worst_images(images, worst))
    return network_folder(
        network, onnx_model, images, winner, references, predictions, curve, worst, picture, correlation.level
    )
