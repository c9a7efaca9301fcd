"""All costs of an ONNX model on this machine."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from mf_nas_kd import __version__
from mf_nas_kd.devices.latency import RUNTIME, THREADS, Latency, device_name, measure_latency
from mf_nas_kd.devices.memory import peak_activation_bytes
from mf_nas_kd.records import Architecture, DeviceCosts
from mf_nas_kd.records.evaluation import now

KIB = 1024


@dataclass(frozen=True)
class ModelCosts:
    """Costs of one ONNX model for one image.

    Attributes:
        latency: Time of one run.
        activation_kib: Peak of inputs, outputs and intermediate tensors, in KiB.
        model_kib: Size of the file, in KiB.
    """

    latency: Latency
    activation_kib: float
    model_kib: float


@dataclass(frozen=True)
class MeasuredGraph:
    """What is measured of architectures: their graphs for images of one shape, in one precision.

    Attributes:
        classes: Number of classes, ``K``.
        image_shape: ``(C, H, W)`` of one image.
        precision: ``float32`` or ``int8``.
    """

    classes: int
    image_shape: tuple[int, int, int]
    precision: str

    def record(self, architecture: Architecture, costs: ModelCosts) -> DeviceCosts:
        """The record of a measurement on this machine."""
        return DeviceCosts(
            architecture=architecture,
            image_shape=self.image_shape,
            classes=self.classes,
            precision=self.precision,
            device_name=device_name(),
            runtime=RUNTIME,
            threads=THREADS,
            latency_ms=costs.latency.median_ms,
            latency_low_ms=costs.latency.low_ms,
            latency_high_ms=costs.latency.high_ms,
            activation_kib=costs.activation_kib,
            model_kib=costs.model_kib,
            code_version=__version__,
            measured_at=now(),
        )


def measure_model(model: bytes) -> ModelCosts:
    """Measure the costs of an ONNX model with one input.

    Raises:
        InvalidValueError: If its shapes do not follow from those of its input.
    """
    activations = activation_kib(model)
    return ModelCosts(measure_latency(model), activations, len(model) / KIB)


def activation_kib(model: bytes) -> float:
    """Peak of inputs, outputs and intermediate tensors of an ONNX model, in KiB.

    Raises:
        InvalidValueError: If its shapes do not follow from those of its input.
    """
    return peak_activation_bytes(onnx.load_from_string(model)) / KIB
