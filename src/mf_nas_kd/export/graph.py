"""ONNX graphs as small files: short names, and nothing that no runtime reads."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import onnx

from mf_nas_kd import __version__

DEFAULTS: Mapping[tuple[str, str], Any] = {
    ("Conv", "auto_pad"): b"NOTSET",
    ("Conv", "group"): 1,
    ("Gemm", "alpha"): 1.0,
    ("Gemm", "beta"): 1.0,
    ("Gemm", "transA"): 0,
    ("AveragePool", "auto_pad"): b"NOTSET",
    ("AveragePool", "ceil_mode"): 0,
    ("ReduceMean", "noop_with_empty_axes"): 0,
    ("Reshape", "allowzero"): 0,
    ("DequantizeLinear", "axis"): 1,
    ("QuantizeLinear", "axis"): 1,
}
"""Attributes with the value that ONNX takes where they are absent."""

OF_EACH_AXIS: Mapping[str, int] = {"dilations": 1, "strides": 1, "pads": 0}
"""Attributes of convolutions and pooling whose value on every axis is this where they are absent."""

PRODUCER = "mf_nas_kd"
LETTERS = string.ascii_letters


def slimmed(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with short names and without what no runtime reads: the same computation in a smaller file.

    Removed are intermediate shapes, metadata, texts and names of nodes, attributes that have their default, and
    initialisers that no node reads. Equal initialisers become one. Names of inputs and outputs stay.

    Args:
        model: A model whose graph has no subgraphs.
    """
    slim = onnx.ModelProto()
    slim.CopyFrom(model)
    graph = slim.graph
    described = [each.metadata_props for each in (slim, graph, *graph.input, *graph.output)]
    for repeated in (graph.value_info, graph.quantization_annotation, *described):
        repeated.clear()
    slim.producer_name, slim.producer_version = PRODUCER, __version__
    graph.doc_string = slim.doc_string = slim.domain = ""
    graph.name = "g"
    for node in graph.node:
        node.name = node.doc_string = ""
        node.metadata_props.clear()
        _drop_defaults(node)
    _share_initialisers(graph)
    _shorten_names(graph)
    for function in slim.functions:
        _shorten_names_within(function)
    return slim


def metadata_in(model: onnx.ModelProto) -> dict[str, str]:
    """The metadata of a model, texts by name."""
    return {each.key: each.value for each in model.metadata_props}


def read_tensors(graph: onnx.GraphProto) -> set[str]:
    """Names of the tensors that nodes read, and of the outputs."""
    return {name for node in graph.node for name in node.input} | {each.name for each in graph.output}


def rename_inputs(nodes: Iterable[onnx.NodeProto], new_names: Mapping[str, str]) -> None:
    """Let nodes read other tensors, in place; names that are not in the mapping stay."""
    for node in nodes:
        node.input[:] = [new_names.get(name, name) for name in node.input]


def _drop_defaults(node: onnx.NodeProto) -> None:
    kept = [each for each in node.attribute if not _is_default(node.op_type, each)]
    del node.attribute[:]
    node.attribute.extend(kept)
    for attribute in node.attribute:
        attribute.doc_string = ""


def _is_default(operator: str, attribute: onnx.AttributeProto) -> bool:
    value = onnx.helper.get_attribute_value(attribute)
    if (operator, attribute.name) in DEFAULTS:
        return bool(value == DEFAULTS[operator, attribute.name])
    if operator == "Conv" and attribute.name == "kernel_shape":
        return True  # that of the weights
    return attribute.name in OF_EACH_AXIS and all(each == OF_EACH_AXIS[attribute.name] for each in value)


def _share_initialisers(graph: onnx.GraphProto) -> None:
    """Leave out initialisers that no node reads, and all but the first of equal ones."""
    read, first, same = read_tensors(graph), dict[bytes, str](), dict[str, str]()
    kept = []
    for tensor in graph.initializer:
        if tensor.name not in read:
            continue
        plain = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor))
        content = plain.SerializeToString(deterministic=True)
        if content in first:
            same[tensor.name] = first[content]
        else:
            first[content] = plain.name = tensor.name
            kept.append(plain)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    rename_inputs(graph.node, same)


def rename_tensors(graph: onnx.GraphProto, new_names: Mapping[str, str]) -> None:
    """Give initialisers and outputs of nodes other names, in place; names that are not in the mapping stay."""
    for tensor in graph.initializer:
        tensor.name = new_names.get(tensor.name, tensor.name)
    _rename(graph.node, new_names)


def _rename(nodes: Sequence[onnx.NodeProto], new_names: Mapping[str, str]) -> None:
    rename_inputs(nodes, new_names)
    for node in nodes:
        node.output[:] = [new_names.get(name, name) for name in node.output]


def _shorten_names(graph: onnx.GraphProto) -> None:
    fixed = {each.name for each in (*graph.input, *graph.output)} | {""}
    used = [each.name for each in graph.initializer] + [name for node in graph.node for name in node.output]
    rename_tensors(graph, _shorter(used, fixed))


def _shorten_names_within(function: onnx.FunctionProto) -> None:
    names = _shorter([*function.input, *(name for node in function.node for name in node.output)], {""})
    for repeated in (function.input, function.output):
        repeated[:] = [names[name] for name in repeated]
    _rename(function.node, names)


def _shorter(names: Iterable[str], fixed: set[str]) -> dict[str, str]:
    fresh = (name for name in _short_names() if name not in fixed)
    return {name: next(fresh) for name in dict.fromkeys(names) if name not in fixed}


def _short_names() -> Iterator[str]:
    for number in count():
        name, rest = LETTERS[number % len(LETTERS)], number // len(LETTERS)
        while rest:
            rest, letter = divmod(rest - 1, len(LETTERS))
            name = LETTERS[letter] + name
        yield name
