"""Static quantisation of a network graph to int8, by onnxruntime, and which layers stay in float.

Weights are quantised for each output channel, activations for each tensor, by the range that they have on calibration
images (QDQ format). Scales of weights and the biases are rounded to half precision, so that they take half the space
in a file (:mod:`mf_nas_kd.export.packing`); weights are quantised with the rounded scales.

Letters: ``N`` images ``(N, C, H, W)``, uint8, of the study's size; ``K`` classes.

References:
    Jacob et al. (2018). Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference.
    CVPR, section 2. Difference: scales of weights are those of channels, as in Krishnamoorthi (2018), arXiv 1806.08342,
    section 3.1.3.
"""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime import quantization
from pydantic import BaseModel, ConfigDict, PositiveInt

from mf_nas_kd.export.runtime import logits_of

logger = logging.getLogger(__name__)

Images = NDArray[np.uint8]
Logits = NDArray[np.float32]
Score = Callable[[Logits], float]
"""Score of logits ``(N, K)`` for the images that decide, in [0, 1]."""

LAYERS = ("Conv", "Gemm")
"""Operators with weights; the others are quantised between two of them."""

METHODS = {
    "min_max": quantization.CalibrationMethod.MinMax,
    "entropy": quantization.CalibrationMethod.Entropy,
    "percentile": quantization.CalibrationMethod.Percentile,
}
BATCH = 64  # images of one step of calibration
FLOAT_LAYERS = "float_layers"
"""Name of the layers that stayed in float among the metadata of a model: a JSON list."""

LEAST_SCALE = float(np.finfo(np.float16).smallest_subnormal)


class Int8Parameters(BaseModel):
    """How the delivered network is quantised.

    Attributes:
        calibration_images: Number of training images that give the ranges of the activations.
        calibration: How a range is chosen from them.
        first_and_last_in_float: Whether the first and the last layer stay in float.
        reduce_range: Whether weights have 7 bits, for x86 processors without VNNI, whose sums of products saturate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration_images: PositiveInt
    calibration: Literal["min_max", "entropy", "percentile"]
    first_and_last_in_float: bool
    reduce_range: bool


@dataclass(frozen=True)
class Quantised:
    """An int8 network graph.

    Attributes:
        model: The graph, in QDQ format; input and output are those of the float32 graph.
        float_layers: Names of the layers that stayed in float, in the order of the graph.
    """

    model: onnx.ModelProto
    float_layers: tuple[str, ...]


def layer_names(network: onnx.ModelProto) -> tuple[str, ...]:
    """Names of the layers with weights, in the order of the graph."""
    return tuple(node.name for node in network.graph.node if node.op_type in LAYERS)


def quantise(
    network: onnx.ModelProto, calibration: Images, parameters: Int8Parameters, float_layers: Sequence[str]
) -> onnx.ModelProto:
    """Quantise a network graph.

    Args:
        network: A float32 network graph, see :func:`mf_nas_kd.export.onnx.network_graph`.
        calibration: Images that give the ranges of the activations.
        parameters: How.
        float_layers: Names of the layers that stay in float.
    """
    copied = onnx.ModelProto()
    copied.CopyFrom(network)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        file = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            copied,
            file,
            _Batches(calibration),
            per_channel=True,
            reduce_range=parameters.reduce_range,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=[*_before_first_layer(network), *float_layers],
            calibrate_method=METHODS[parameters.calibration],
            extra_options={
                "WeightSymmetric": True,
                "ActivationSymmetric": False,
                "OpTypesToExcludeOutputQuantization": ["Gemm"],  # the logits
            },
        )
        quantised = onnx.load(file)
    _round_scales(quantised.graph, network.graph, 64 if parameters.reduce_range else 127)
    onnx.checker.check_model(quantised, full_check=True)
    return quantised


def quantise_within(
    network: onnx.ModelProto,
    calibration: Images,
    deciding: Images,
    score: Score,
    parameters: Int8Parameters,
    tolerance: float,
) -> Quantised:
    """Quantise a network graph; where too much is lost, the layers that change the logits most stay in float.

    A layer is judged by quantising it alone: by the mean squared change of the logits for calibration images. As few
    layers stay in float as bring the score within the tolerance, in this order.

    Args:
        network: A float32 network graph.
        calibration: Images that give the ranges of the activations.
        deciding: Images that decide, which must not be test images.
        score: Score of the logits for them.
        parameters: How.
        tolerance: How much lower than that of float32 the score may be.
    """
    names = layer_names(network)
    kept = [names[0], names[-1]] if parameters.first_and_last_in_float else []
    least = score(logits_of(network, deciding)) - tolerance
    quantised = quantise(network, calibration, parameters, kept)
    found = score(logits_of(quantised, deciding))
    if found >= least:
        return Quantised(quantised, tuple(kept))
    logger.info("int8 has a score of %.4f, below %.4f: looking for layers that stay in float", found, least)
    errors = layer_errors(network, calibration, parameters)
    for name in sorted((name for name in names if name not in kept), key=lambda each: -errors[each]):
        kept.append(name)
        quantised = quantise(network, calibration, parameters, kept)
        found = score(logits_of(quantised, deciding))
        if found >= least:
            break
    return Quantised(quantised, tuple(name for name in names if name in kept))


def layer_errors(network: onnx.ModelProto, calibration: Images, parameters: Int8Parameters) -> dict[str, float]:
    """Mean squared change of the logits for the calibration images where one layer alone is quantised, by its name."""
    names, exact = layer_names(network), logits_of(network, calibration)
    errors = {}
    for name in names:
        alone = quantise(network, calibration, parameters, [other for other in names if other != name])
        errors[name] = float(np.square(logits_of(alone, calibration) - exact).mean())
    return errors


class _Batches(quantization.CalibrationDataReader):  # type: ignore[misc]  # it has no types
    """Calibration images in batches."""

    def __init__(self, images: Images) -> None:
        self._batches = iter([images[start : start + BATCH] for start in range(0, len(images), BATCH)])

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what onnxruntime prints, and its advice to optimise the graph: batch normalisation is folded already."""
    root = logging.getLogger()

    def is_wanted(record: logging.LogRecord) -> bool:
        return "pre-processing" not in record.getMessage()

    root.addFilter(is_wanted)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        root.removeFilter(is_wanted)


def _before_first_layer(network: onnx.ModelProto) -> list[str]:
    """Names of the nodes that normalise the images: they stay in float."""
    names = []
    for node in network.graph.node:
        if node.op_type in LAYERS:
            break
        names.append(node.name)
    return names


def _round_scales(quantised: onnx.GraphProto, original: onnx.GraphProto, highest: int) -> None:
    """Round the scales of weights, and the biases, to half precision, and quantise both again, in place."""
    exact = {each.name: onnx.numpy_helper.to_array(each) for each in original.initializer}
    tensors = {each.name: each for each in quantised.initializer}
    producers = {node.output[0]: node for node in quantised.node}
    for node in quantised.node:
        if node.op_type not in LAYERS or node.input[1] not in producers:
            continue
        activation, weight = (producers[name] for name in node.input[:2])
        name = weight.input[0].removesuffix("_quantized")
        axis = next(each.i for each in weight.attribute if each.name == "axis")
        scale = np.float32(np.float16(onnx.numpy_helper.to_array(tensors[weight.input[1]]))).clip(LEAST_SCALE)
        wide = scale.reshape([-1 if each == axis else 1 for each in range(exact[name].ndim)])
        values = np.clip(np.rint(exact[name] / wide), -highest, highest).astype(np.int8)
        _replace(tensors, weight.input[0], values)
        _replace(tensors, weight.input[1], scale)
        if len(node.input) > 2:
            bias = producers[node.input[2]]
            bias_scale = onnx.numpy_helper.to_array(tensors[activation.input[1]]) * scale
            rounded = np.float32(np.float16(exact[bias.input[0].removesuffix("_quantized")]))
            _replace(tensors, bias.input[0], np.rint(rounded / bias_scale).astype(np.int32))
            _replace(tensors, bias.input[1], bias_scale)


def _replace(tensors: dict[str, onnx.TensorProto], name: str, values: NDArray[Any]) -> None:
    tensors[name].CopyFrom(onnx.numpy_helper.from_array(values, name))
