"""ONNX models of untrained networks, from which their costs on a device are measured before anything is trained."""

from __future__ import annotations

import io
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import torch

from mf_nas_kd.devices.measurement import MeasuredGraph
from mf_nas_kd.export.onnx import DeployedNetwork
from mf_nas_kd.networks import NetworkDescription, TrainedNetwork, build_network
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.nas_bench_201 import Zero
from mf_nas_kd.records import Architecture
from mf_nas_kd.records.device_costs import FLOAT32
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.device_costs import DeviceCostsOf

OPSET = 18


@dataclass(frozen=True)
class UntrainedExport:
    """Exports architectures with initial weights, for images of one shape; it can be sent to other processes.

    Attributes:
        classes: Number of classes, ``K``.
        image_shape: ``(C, H, W)`` of one image.
    """

    classes: int
    image_shape: tuple[int, int, int]

    def __call__(self, architecture: Architecture) -> bytes:
        """The ONNX model of an architecture: input ``images`` ``(1, C, H, W)``, uint8, output ``logits`` ``(1, K)``.

        onnxruntime makes the same kernels of it as of :func:`.network_graph`'s model, which takes 5 to 20 times as long
        to export. What is constant is computed, and batch normalisations are part of the convolutions before them.
        """
        channels = self.image_shape[0]
        with torch_seeded(0, "untrained export"):
            network = build_network(architecture, self.classes, channels)
        description = NetworkDescription(
            builder=architecture.space,
            fields=architecture.fields,
            classes=self.classes,
            image_shape=self.image_shape,
            pixel_mean=(0.5,) * channels,
            pixel_std=(0.25,) * channels,
            trained_on=(),
        )
        deployed = DeployedNetwork(TrainedNetwork.of(description, network)).eval()
        return _simplified(_traced(deployed, self.image_shape))


def _traced(network: DeployedNetwork, image_shape: tuple[int, int, int]) -> bytes:
    any_batch = any(isinstance(each, Zero) for each in network.modules())  # else zeros are computed beforehand
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the deprecation, and of the exporter's internals
        torch.onnx.export(
            network,
            (torch.zeros((1, *image_shape), dtype=torch.uint8),),
            buffer,  # type: ignore[arg-type]  # a stream is accepted, but not annotated
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}} if any_batch else None,
            opset_version=OPSET,
            dynamo=False,
            verbose=False,
        )
    return buffer.getvalue()


def _simplified(model: bytes) -> bytes:
    """The model after onnxruntime's basic optimisations, which leave operators of ONNX alone."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "simplified.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return path.read_bytes()


def float32_costs(
    store: EvaluationStore, classes: int, image_shape: tuple[int, int, int], device: str
) -> DeviceCostsOf:
    """Costs of architectures in float32 on a device.

    Args:
        store: Where costs are found, and measurements are stored.
        classes: Number of classes, ``K``.
        image_shape: ``(C, H, W)`` of one image.
        device: Name of the device; ``this`` for this machine.
    """
    graph = MeasuredGraph(classes, image_shape, FLOAT32)
    return DeviceCostsOf(store, graph, device, UntrainedExport(classes, image_shape))
