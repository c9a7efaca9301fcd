"""Export of a trained network as an ONNX model."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence
from typing import cast

import onnx
import torch
from torch import Tensor, nn

from mf_nas_kd.networks import TrainedNetwork, rebuild
from mf_nas_kd.taps import Taps

OPSETS = range(18, 24)
"""Versions of the ONNX operator set that can be chosen."""


class DeployedNetwork(nn.Module):
    """A network with its preprocessing, for images as they are stored (uint8).

    Args:
        trained: The trained network.
    """

    def __init__(self, trained: TrainedNetwork) -> None:
        super().__init__()
        self._network = rebuild(trained)
        mean, std = (torch.tensor(v) for v in (trained.description.pixel_mean, trained.description.pixel_std))
        self.register_buffer("_scale", (1 / (255 * std)).view(1, -1, 1, 1))
        self.register_buffer("_shift", (-mean / std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logits ``(B, K)`` of images ``(B, C, H, W)``, uint8."""
        scale, shift = self.get_buffer("_scale"), self.get_buffer("_shift")
        taps: Taps = self._network(images.float() * scale + shift)
        return taps.logits


def export_onnx(trained: TrainedNetwork, class_names: Sequence[str], opset: int) -> bytes:
    """Export a trained network with its preprocessing.

    The model has one input, ``images`` ``(B, C, H, W)``, uint8, with any ``B``, and one output, ``logits`` ``(B, K)``,
    float32. The names of the classes are in its metadata under ``class_names``, as a JSON list.

    Args:
        trained: The trained network.
        class_names: Names of the ``K`` classes; a label is an index into them.
        opset: Version of the ONNX operator set, one of ``OPSETS``.

    Returns:
        The serialised model, the content of an ``.onnx`` file.
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
    onnx.helper.set_model_props(model, {"class_names": json.dumps(list(class_names))})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
