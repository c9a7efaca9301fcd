"""Shapes of the tensors of an ONNX model for one image."""

from __future__ import annotations

import math
from collections.abc import Iterator

import onnx

from mf_nas_kd.errors import InvalidValueError


def tensor_bytes(model: onnx.ModelProto) -> dict[str, int]:
    """Bytes of every input, output and intermediate tensor of a model, by its name, for a batch of one.

    Raises:
        InvalidValueError: If a shape does not follow from those of the inputs.
    """
    inferred = onnx.shape_inference.infer_shapes(_for_one_image(model), data_prop=True)
    weights = {each.name for each in inferred.graph.initializer}
    known = {each.name: each for each in _typed_values(inferred) if each.name not in weights}
    for node in inferred.graph.node:
        for name in filter(None, node.output):
            if name not in known:
                raise InvalidValueError(f"shape of {name!r}", None, "one that follows from the shapes of the inputs")
    return {name: _bytes(value) for name, value in known.items()}


def _for_one_image(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose inputs have 1 as first dimension, and whose other shapes are not given."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    for value in copy.graph.output:
        value.type.tensor_type.ClearField("shape")
    for value in copy.graph.input:
        dimensions = value.type.tensor_type.shape.dim
        if dimensions and not dimensions[0].dim_value:
            dimensions[0].dim_value = 1
    return copy


def _typed_values(model: onnx.ModelProto) -> Iterator[onnx.ValueInfoProto]:
    yield from model.graph.input
    yield from model.graph.value_info
    yield from model.graph.output


def _bytes(value: onnx.ValueInfoProto) -> int:
    tensor = value.type.tensor_type
    shape = [each.dim_value if each.HasField("dim_value") else None for each in tensor.shape.dim]
    if not tensor.HasField("shape") or None in shape:
        raise InvalidValueError(f"shape of {value.name!r}", shape, "one that follows from the shapes of the inputs")
    item = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).itemsize
    return int(math.prod(size for size in shape if size is not None) * item)
