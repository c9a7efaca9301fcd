"""int8 graphs as small files: what a quantised convolution consists of is written once, as an ONNX function.

In QDQ format each convolution takes four nodes, a scale for each channel, and for each channel a bias of 32 bits with a
scale of its own. A small network has nearly as many of these bytes as it has weights. A packed graph has one node for
each convolution, which calls a function of the model, and keeps scales and biases in half precision. The runtime
inlines the function when it loads the file, and computes the same as with the QDQ graph to the last bit.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from mf_nas_kd.export.graph import read_tensors

DOMAIN = "q"  # short, as it is written with every call
FUNCTION = "Conv"
INPUTS = ["DequantizeLinear"] * 3
ATTRIBUTES = ("group", "pads", "strides")

BODY = """
<opset_import: ["" : {opset}], domain: "{domain}">
{function} (x, x_scale, x_zero, w, half_scale, half_bias, y_scale, y_zero) => (y)
{{
    x_float = DequantizeLinear (x, x_scale, x_zero)
    scale = Cast <to: int = 1> (half_scale)
    w_float = DequantizeLinear <axis: int = 0> (w, scale)
    bias_scale = Mul (x_scale, scale)
    bias = Cast <to: int = 1> (half_bias)
    bias_steps = Div (bias, bias_scale)
    bias_rounded = Round (bias_steps)
    bias_whole = Cast <to: int = 6> (bias_rounded)
    bias_float = DequantizeLinear <axis: int = 0> (bias_whole, bias_scale)
    y_float = Conv (x_float, w_float, bias_float)
    y = QuantizeLinear (y_float, y_scale, y_zero)
}}
"""


def packed(quantised: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose quantised convolutions are calls of one function.

    Args:
        quantised: An int8 graph in QDQ format, whose scales and biases have half precision, see
            :func:`mf_nas_kd.export.quantisation.quantise`.
    """
    model = onnx.ModelProto()
    model.CopyFrom(quantised)
    graph = model.graph
    tensors = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    producers = {name: node for node in graph.node for name in node.output}
    readers = Counter(name for node in graph.node for name in node.input)
    quantisers = {node.input[0]: node for node in graph.node if node.op_type == "QuantizeLinear"}
    for conv in [node for node in graph.node if node.op_type == "Conv" and len(node.input) == 3]:
        parts = [producers[name] for name in conv.input if name in producers]
        after = quantisers.get(conv.output[0])
        if (
            after is None
            or readers[conv.output[0]] != 1
            or [each.op_type for each in parts] != INPUTS
            or _dilates(conv)
        ):
            continue
        x, w, bias = parts
        name = w.input[0]
        of_conv = {"scale": tensors[w.input[1]], "bias": tensors[bias.input[0]] * tensors[bias.input[1]]}
        half = {f"{conv.output[0]}/{kind}": values for kind, values in of_conv.items()}
        for key, values in half.items():
            graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float16), key))
        kept = [each for each in conv.attribute if each.name in ATTRIBUTES]
        inputs = [*x.input, name, *half, *after.input[1:]]
        after.CopyFrom(onnx.helper.make_node(FUNCTION, inputs, after.output, domain=DOMAIN))
        after.attribute.extend(kept)
        conv.op_type = ""  # it is part of the call now
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and _is_of_bias(tensors.get(node.input[2])):
            del node.input[2]
    _drop_unread(graph)
    if any(node.domain == DOMAIN for node in graph.node):
        (opset,) = (each.version for each in model.opset_import if each.domain == "")
        model.functions.append(_function(opset))
        model.opset_import.append(onnx.helper.make_opsetid(DOMAIN, 1))
    return model


def _is_of_bias(zero_points: NDArray[Any] | None) -> bool:
    """Whether zero points are those of a bias: they are 0, as where there are none. onnxruntime needs the others."""
    return zero_points is not None and zero_points.dtype == np.int32


def _dilates(conv: onnx.NodeProto) -> bool:
    return any(each.name == "dilations" and set(each.ints) != {1} for each in conv.attribute)


def _function(opset: int) -> onnx.FunctionProto:
    function: onnx.FunctionProto = onnx.parser.parse_function(
        BODY.format(opset=opset, domain=DOMAIN, function=FUNCTION)
    )
    function.attribute.extend(ATTRIBUTES)
    (conv,) = (node for node in function.node if node.op_type == "Conv")
    for name in ATTRIBUTES:
        kind = onnx.AttributeProto.INT if name == "group" else onnx.AttributeProto.INTS
        conv.attribute.append(onnx.AttributeProto(name=name, ref_attr_name=name, type=kind))
    return function


def _drop_unread(graph: onnx.GraphProto) -> None:
    """Leave out nodes whose outputs nothing reads, in place."""
    while True:
        kept = [node for node in graph.node if node.op_type]
        del graph.node[:]
        graph.node.extend(kept)
        read = read_tensors(graph)
        unread = [node for node in graph.node if not read & set(node.output)]
        if not unread:
            return
        for node in unread:
            node.op_type = ""
