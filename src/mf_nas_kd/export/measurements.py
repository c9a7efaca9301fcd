"""The deployed models beside each other: accuracy on the test images, size, and costs on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray

from mf_nas_kd.devices.measurement import KIB
from mf_nas_kd.export.graph import metadata_in
from mf_nas_kd.export.quantisation import FLOAT_LAYERS
from mf_nas_kd.export.runtime import logits_of
from mf_nas_kd.records import Limits, Metric
from mf_nas_kd.records.costs import ON_DEVICE
from mf_nas_kd.records.device_costs import FLOAT32
from mf_nas_kd.statistics import accuracy_difference, mean_accuracy
from mf_nas_kd.statistics.bootstrap import UNDEFINED
from mf_nas_kd.statistics.paired import Correct


@dataclass(frozen=True)
class Exported:
    """One precision of the delivered network.

    Attributes:
        deployed: The deployed model, the content of its file.
        graph: The network graph, in which latency and memory are measured.
        graph_bytes: Size of the network graph in the deployed model.
    """

    deployed: bytes
    graph: bytes
    graph_bytes: int


def measurements_table(
    exported: Mapping[str, Exported],
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    metric: Metric,
    level: float,
    costs: Callable[[bytes], Mapping[str, Any]],
) -> pd.DataFrame:
    """One row a precision.

    Args:
        exported: The delivered network by precision, float32 first.
        images: Test images ``(N, C, H, W)``.
        labels: Their classes, ``(N,)``.
        metric: The metric that selects.
        level: Nominal coverage of the intervals, in (0, 1).
        costs: Costs of a network graph on this machine, by the names of their columns.

    Returns:
        ``precision``, the test metric with ``test_low`` and ``test_high``; ``difference_points`` from float32 in
        percentage points, paired over images, with ``difference_low`` and ``difference_high``; ``test_images``;
        ``file_kib`` of the deployed model and ``model_kib`` of the network graph in it; the costs; ``float_layers``,
        the layers of int8 that stayed in float, separated by commas.
    """
    groups = metric.groups(labels)
    correct = {name: _correct(each.deployed, images, labels) for name, each in exported.items()}
    rows = []
    for name, each in exported.items():
        accuracy, difference = mean_accuracy(correct[name], level, groups), UNDEFINED
        if name != FLOAT32:
            difference = accuracy_difference(correct[name], correct[FLOAT32], level, groups)
        rows.append(
            {
                "precision": name,
                metric.test: accuracy.value,
                "test_low": accuracy.low,
                "test_high": accuracy.high,
                "difference_points": 100 * difference.value,
                "difference_low": 100 * difference.low,
                "difference_high": 100 * difference.high,
                "test_images": len(labels),
                "file_kib": len(each.deployed) / KIB,
                "model_kib": each.graph_bytes / KIB,
                **costs(each.graph),
                "float_layers": ", ".join(_float_layers(each.deployed)),
            }
        )
    return pd.DataFrame(rows)


def exceeded_limits(measurements: pd.DataFrame, limits: Limits, is_their_device: bool) -> tuple[str, ...]:
    """Sentences about limits of the search above which the delivered network was measured, in float32.

    Args:
        measurements: Table of :func:`measurements_table`.
        limits: Limits of the search.
        is_their_device: Whether the limit of the latency is one on the device that was measured.
    """
    (measured,) = measurements[measurements["precision"] == FLOAT32].to_dict(orient="records")
    compared = [name for name in ON_DEVICE if name in limits.maxima and (is_their_device or name != "latency_ms")]
    return tuple(
        f"The delivered network has {name} = {measured[name]:.4g}, above its limit of {limits.maxima[name]:g}: "
        "measurements vary, and a lower limit leaves room for that"
        for name in compared
        if measured[name] > limits.maxima[name]
    )


def _correct(deployed: bytes, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Correct:
    """Whether a deployed model gets each image right, ``(1, N)``."""
    logits = logits_of(onnx.load_from_string(deployed), images.transpose(0, 2, 3, 1))
    found: Correct = (logits.argmax(axis=1) == labels)[None]
    return found


def _float_layers(deployed: bytes) -> list[str]:
    layers: list[str] = json.loads(metadata_in(onnx.load_from_string(deployed)).get(FLOAT_LAYERS, "[]"))
    return layers
