"""The kernels that a runtime makes of the operators of an ONNX graph, as far as memory depends on them.

The rules are those of onnxruntime's graph optimisations for CPUs, with all of them enabled: which operators are
computed in place, which convolutions add a shortcut in the same kernel, and which operators between
``DequantizeLinear`` and ``QuantizeLinear`` are computed on integers.

References:
    onnxruntime 1.20 to 1.32, ``core/optimizer``: ``qdq_transformer/selectors_actions`` (operators on integers),
    ``conv_add_act_fusion`` (shortcuts); ``core/framework/allocation_planner`` (buffers that are written in place).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import onnx

from mf_nas_kd.errors import InvalidValueError

VIEWS = frozenset({"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
"""Operators whose output is their first input, with another shape."""

IN_PLACE = frozenset(
    {"Add", "BatchNormalization", "Cast", "Clip", "Div", "HardSigmoid", "LeakyRelu", "Mul", "Relu", "Sigmoid", "Sub"}
    | {"Tanh"}
)
"""Operators that write into the buffer of an input, where it is as large and nothing else reads it."""

ON_INTEGERS = frozenset(
    {"Add", "AveragePool", "Concat", "Conv", "Flatten", "Gemm", "GlobalAveragePool", "LeakyRelu", "MatMul", "MaxPool"}
    | {"Mul", "Reshape", "Sigmoid", "Softmax", "Split", "Squeeze", "Transpose", "Unsqueeze"}
)
"""Operators with a kernel for integers. The others are computed in float32 between dequantised tensors."""

FLOAT_RESULT = frozenset({"Gemm", "MatMul"})
"""Operators on integers whose result may be a float that is not quantised."""

SATURATED = frozenset({"Clip", "Relu"})
"""Activations that quantisation does by itself: its range ends where they end."""


@dataclass(frozen=True)
class Kernel:
    """One step of the execution of a graph.

    Attributes:
        operator: Its operator; the first of those that share the kernel.
        inputs: Names of the tensors that it reads; constants are left out.
        outputs: Names of the tensors that it makes.
        in_place: Inputs whose buffer the output may take over, the first one preferred.
        is_view: Whether the output is the buffer of its input.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    in_place: tuple[str, ...] = ()
    is_view: bool = False


def kernels_of(model: onnx.ModelProto, tensors: Collection[str]) -> list[Kernel]:
    """The kernels of a model, in the order of their execution.

    Args:
        model: The model; its operators are in a topological order, as ONNX demands.
        tensors: Names of the inputs and of what operators make; every other name is a constant.

    Raises:
        InvalidValueError: If an operator has a graph of its own (branches, loops).
    """
    kernels = _of_operators(model.graph.node, tensors, {each.name for each in model.graph.input})
    kept = {each.name for each in model.graph.output}
    return _with_shortcuts(_on_integers(kernels, kept), kept)


def _of_operators(nodes: Iterable[onnx.NodeProto], tensors: Collection[str], inputs: set[str]) -> list[Kernel]:
    """One kernel an operator, without those that are computed from constants alone."""
    kernels, variable = [], {name for name in inputs if name in tensors}
    for node in nodes:
        if any(each.type in (each.GRAPH, each.GRAPHS) for each in node.attribute):
            raise InvalidValueError("operator", node.op_type, "one without branches or loops")
        read = tuple(name for name in node.input if name in variable)
        if not read:
            continue
        made = tuple(filter(None, node.output))
        is_view = node.op_type in VIEWS
        in_place = read[:1] if is_view else read if node.op_type in IN_PLACE else ()
        kernels.append(Kernel(node.op_type, read, made, in_place, is_view))
        variable.update(made)
    return kernels


def _on_integers(kernels: list[Kernel], kept: Collection[str]) -> list[Kernel]:
    """Operators between dequantised inputs and quantised outputs as kernels on the integers themselves."""
    maker = {name: kernel for kernel in kernels for name in kernel.outputs}
    readers = _readers(kernels)
    integers: list[Kernel] = []
    dropped: set[str] = set()
    for kernel in kernels:
        sources = [maker.get(name) for name in kernel.inputs]
        if kernel.operator not in ON_INTEGERS or not all(s and s.operator == "DequantizeLinear" for s in sources):
            integers.append(kernel)
            continue
        ends = [_quantised(name, readers, kept) for name in kernel.outputs]
        if None in ends and kernel.operator not in FLOAT_RESULT:
            integers.append(kernel)
            continue
        between = [name for chain in ends for name in (chain or ())]
        outputs = tuple(chain[-1] if chain else name for chain, name in zip(ends, kernel.outputs, strict=True))
        inputs = tuple(source.inputs[0] for source in sources if source is not None)
        in_place = inputs[:1] if kernel.is_view else ()
        integers.append(Kernel(f"QLinear{kernel.operator}", inputs, outputs, in_place, kernel.is_view))
        dropped.update(between)
    computed = [each for each in integers if each.operator.startswith("QLinear") or not dropped & {*each.outputs}]
    read = {name for kernel in computed for name in kernel.inputs} | {*kept}
    return [each for each in computed if each.operator != "DequantizeLinear" or read & {*each.outputs}]


def _quantised(name: str, readers: Mapping[str, list[Kernel]], kept: Collection[str]) -> tuple[str, ...] | None:
    """Outputs of the operators from a tensor to its quantised form; None where it is used as a float as well."""
    following = readers[name]
    if name in kept or len(following) != 1 or following[0].operator not in {*SATURATED, "QuantizeLinear"}:
        return None
    (output,) = following[0].outputs
    if following[0].operator == "QuantizeLinear":
        return (output,)
    further = _quantised(output, readers, kept)
    return None if further is None else (output, *further)


def _with_shortcuts(kernels: list[Kernel], kept: Collection[str]) -> list[Kernel]:
    """Convolutions whose result is only added to another tensor: one kernel, which may add in place."""
    readers = _readers(kernels)
    convolutions: dict[str, Kernel] = {}
    fused: dict[int, Kernel] = {}
    for position, kernel in enumerate(kernels):
        if kernel.operator == "Conv" and len(readers[kernel.outputs[0]]) == 1 and kernel.outputs[0] not in kept:
            convolutions[kernel.outputs[0]] = kernel
        if kernel.operator != "Add" or len({*kernel.inputs}) != 2:
            continue
        added = next((name for name in kernel.inputs if name in convolutions), None)
        if added is not None:
            (other,) = (name for name in kernel.inputs if name != added)
            own = convolutions.pop(added)
            fused[position] = replace(own, inputs=(*own.inputs, other), outputs=kernel.outputs, in_place=(other,))
            fused[kernels.index(own)] = replace(own, outputs=())
    merged = [fused.get(position, kernel) for position, kernel in enumerate(kernels)]
    return [kernel for kernel in merged if kernel.outputs]


def _readers(kernels: Iterable[Kernel]) -> defaultdict[str, list[Kernel]]:
    readers: defaultdict[str, list[Kernel]] = defaultdict(list)
    for kernel in kernels:
        for name in kernel.inputs:
            readers[name].append(kernel)
    return readers
