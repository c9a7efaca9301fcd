"""The network graph: a trained network as an ONNX model, for images of the study's size."""

from __future__ import annotations

import io
import warnings
from typing import cast

import onnx
import torch
from torch import Tensor, nn

from mf_nas_kd.networks import TrainedNetwork, rebuild
from mf_nas_kd.taps import Taps

OPSETS = range(18, 22)
"""Versions of the ONNX operator set that can be chosen: those that onnxruntime 1.20 and newer read."""


class DeployedNetwork(nn.Module):
    """A network with its normalisation, for images as they are stored (uint8).

    Args:
        trained: The trained network.
    """

    def __init__(self, trained: TrainedNetwork) -> None:
        super().__init__()
        self.network = rebuild(trained)
        mean, std = (torch.tensor(v) for v in (trained.description.pixel_mean, trained.description.pixel_std))
        self.register_buffer("_scale", (1 / (255 * std)).view(1, -1, 1, 1))
        self.register_buffer("_shift", (-mean / std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logits ``(B, K)`` of images ``(B, C, H, W)``, uint8."""
        scale, shift = self.get_buffer("_scale"), self.get_buffer("_shift")
        taps: Taps = self.network(images.float() * scale + shift)
        return taps.logits


def network_graph(trained: TrainedNetwork, opset: int) -> onnx.ModelProto:
    """Export a trained network with its normalisation; batch normalisation is folded into convolutions.

    The model has one input, ``images`` ``(B, C, H, W)``, uint8, with any ``B``, and one output, ``logits`` ``(B, K)``,
    float32. Nodes with weights have the names of their modules in the network. The IR version is the lowest one that
    has the operator set.

    Args:
        trained: The trained network.
        opset: Version of the ONNX operator set, one of ``OPSETS``.
    """
    example = torch.zeros((2, *trained.description.image_shape), dtype=torch.uint8)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its own internals
        exported = torch.onnx.export(
            DeployedNetwork(trained).eval(),
            (example,),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            opset_version=opset,
            dynamo=True,
            verbose=False,
        )
    program = cast(torch.onnx.ONNXProgram, exported)  # None is returned only without dynamo
    program.save(buffer)  # type: ignore[arg-type]  # a stream is accepted, but not annotated
    model = onnx.load_from_string(buffer.getvalue())
    model.ir_version = onnx.helper.find_min_ir_version_for(list(model.opset_import))
    _name_by_modules(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def _name_by_modules(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        if len(node.input) > 1 and node.input[1].startswith("network."):
            node.name = node.input[1].removeprefix("network.").removesuffix(".weight")
