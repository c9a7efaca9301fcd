"""Nodes of the pipeline ``export``."""

from __future__ import annotations

import json
import logging
from typing import Any

import onnx
import pandas as pd
import torch

from mf_nas_kd import figures, tracking
from mf_nas_kd.devices.latency import RUNTIME, device_name
from mf_nas_kd.devices.measurement import measure_model
from mf_nas_kd.export.folder import network_folder
from mf_nas_kd.export.graph import metadata_in, slimmed
from mf_nas_kd.export.measurements import Exported, exceeded_limits, measurements_table
from mf_nas_kd.export.onnx import network_graph
from mf_nas_kd.export.packing import packed
from mf_nas_kd.export.preprocessing import deployed_model, metadata_of
from mf_nas_kd.export.quantisation import FLOAT_LAYERS, Logits, quantise_within
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.pipelines.export.parameters import ExportParameters
from mf_nas_kd.pipelines.export.registration import mlflow_model
from mf_nas_kd.records import Limits, MetricSetting
from mf_nas_kd.records.device_costs import FLOAT32, INT8
from mf_nas_kd.records.metrics import metric_of
from mf_nas_kd.statistics import CorrelationSettings, worst_predictions
from mf_nas_kd.studies.device_costs import THIS

logger = logging.getLogger(__name__)


def export_network(
    network: TrainedNetwork,
    images: ImageDataset,
    parameters: ExportParameters,
    metric: MetricSetting,
) -> tuple[bytes, bytes]:
    """Export the delivered network and quantise it; validation images decide which layers stay in float.

    Returns:
        Its network graphs in float32 and int8.
    """
    graph = network_graph(network, parameters.opset)
    labels = images.validation.labels.numpy()

    def score(logits: Logits) -> float:
        return metric.value.measure(labels, logits.argmax(axis=1))

    step = max(1, len(images.train) // parameters.int8.calibration_images)
    calibration = images.train.gathered(torch.arange(0, len(images.train), step)).numpy()
    quantised = quantise_within(
        graph,
        calibration[: parameters.int8.calibration_images],
        images.validation.images.numpy(),
        score,
        parameters.int8,
        parameters.int8_tolerance_points / 100,
    )
    int8 = slimmed(quantised.model)
    onnx.helper.set_model_props(int8, {FLOAT_LAYERS: json.dumps(quantised.float_layers)})
    return slimmed(graph).SerializeToString(), int8.SerializeToString()


def deploy_network(
    graph: bytes, int8_graph: bytes, network: TrainedNetwork, images: ImageDataset, parameters: ExportParameters
) -> tuple[bytes, bytes]:
    """Put the preprocessing of images in front of both network graphs."""
    shape = network.description.image_shape
    licence = "none stated" if parameters.licence is None else parameters.licence
    metadata = metadata_of(images.class_names, shape, parameters.study, network.fingerprint, licence)
    int8 = onnx.load_from_string(int8_graph)
    return (
        deployed_model(onnx.load_from_string(graph), shape, metadata | {"precision": FLOAT32}),
        deployed_model(packed(int8), shape, metadata | {"precision": INT8} | metadata_in(int8)),
    )


def costs_on_this_machine(graph: bytes) -> dict[str, Any]:
    """Latency and memory of a network graph on this machine, by the names of their columns."""
    costs = measure_model(graph)
    return {
        "latency_ms": costs.latency.median_ms,
        "latency_low_ms": costs.latency.low_ms,
        "latency_high_ms": costs.latency.high_ms,
        "activation_kib": costs.activation_kib,
        "device_name": device_name(),
        "runtime": RUNTIME,
    }


def measure_models(
    graph: bytes,
    int8_graph: bytes,
    deployed: bytes,
    int8_deployed: bytes,
    images: ImageDataset,
    winner: dict[str, Any],
    metric: MetricSetting,
    correlation: CorrelationSettings,
) -> pd.DataFrame:
    """Compare both deployed models: accuracy on the test images, size, latency and memory on this machine.

    A limit of the search above which the delivered network is found to be is a warning.
    """
    packed_bytes = len(slimmed(packed(onnx.load_from_string(int8_graph))).SerializeToString())
    exported = {
        FLOAT32: Exported(deployed, graph, len(graph)),
        INT8: Exported(int8_deployed, int8_graph, packed_bytes),
    }
    pixels, labels = images.test.images.numpy(), images.test.labels.numpy()
    table = measurements_table(exported, pixels, labels, metric.value, correlation.level, costs_on_this_machine)
    is_their_device = winner.get("search_device") in (THIS, device_name())
    for sentence in exceeded_limits(table, Limits.of(**winner["limits"]), is_their_device):
        logger.warning("%s", sentence)
    return table


def write_network_folder(
    network: TrainedNetwork,
    onnx_model: bytes,
    int8_model: bytes,
    images: ImageDataset,
    winner: dict[str, Any],
    references: pd.DataFrame,
    predictions: pd.DataFrame,
    curve: pd.DataFrame,
    measurements: pd.DataFrame,
    correlation: CorrelationSettings,
) -> dict[str, bytes]:
    """Put together the folder that the user keeps: the network, its metrics, its errors, and how to use it."""
    worst = worst_predictions(predictions, figures.WORST_IMAGES)
    picture = figures.png(figures.worst_images(images, worst))
    return network_folder(
        network,
        onnx_model,
        int8_model,
        images,
        winner,
        references,
        predictions,
        curve,
        worst,
        picture,
        correlation.level,
        figures.device_table(measurements, metric_of(winner)),
        figures.device_sentences(measurements),
    )


def log_model(
    onnx_model: bytes,
    files: dict[str, bytes],
    images: ImageDataset,
    winner: dict[str, Any],
    measurements: pd.DataFrame,
) -> None:
    """Log the deployed network to MLflow with its model card, and register it."""
    card = files["README.md"].decode()
    tracking.log_deployed_model(mlflow_model(onnx_model, card, images, winner, measurements))
