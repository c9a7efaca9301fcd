"""A trained network as an ONNX model."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence

import onnx
import torch
from torch import Tensor, nn

from mf_nas_kd.networks import TrainedNetwork, rebuild

OPSET = 18


class DeployedNetwork(nn.Module):
    """A network with its preprocessing: takes images as they are stored.

    Args:
        trained: Weights and description.
    """

    def __init__(self, trained: TrainedNetwork) -> None:
        super().__init__()
        self._network = rebuild(trained)
        mean, std = (torch.tensor(v) for v in (trained.description.pixel_mean, trained.description.pixel_std))
        self.register_buffer("_scale", (1 / (255 * std)).view(1, -1, 1, 1))
        self.register_buffer("_shift", (-mean / std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Images ``(B, C, H, W)``, uint8, to logits ``(B, K)``."""
        return self._network(images.float() * self._scale + self._shift).logits


def export_onnx(trained: TrainedNetwork, class_names: Sequence[str]) -> bytes:
    """Export a network with its preprocessing.

    The model has one input, ``images`` (uint8, any number of images), and one output, ``logits``; the names of the
    classes are in its metadata under ``class_names``, as JSON.

    Args:
        trained: Weights and description.
        class_names: By label.
    """
    example = torch.zeros((2, *trained.description.image_shape), dtype=torch.uint8)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            DeployedNetwork(trained).eval(),
            (example,),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    program.save(buffer)
    model = onnx.load_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, {"class_names": json.dumps(list(class_names))})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()
