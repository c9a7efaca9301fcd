"""Memory of a network on a device: the peak of its activations, and its weights, from the ONNX graph alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import onnx

from mf_nas_kd.devices.kernels import Kernel, kernels_of
from mf_nas_kd.devices.shapes import tensor_bytes


def peak_activation_bytes(model: onnx.ModelProto) -> int:
    """Most bytes that inputs, outputs and intermediate tensors of a model occupy at one time, for one image.

    A liveness analysis: kernels run one after the other in the order of the file; a tensor is allocated when its kernel
    begins and freed after its last reader. Inputs belong to the caller and outputs to the result: inputs are there
    from the beginning and outputs to the end. Which operators share a kernel or a buffer is in
    :mod:`mf_nas_kd.devices.kernels`. Not included are weights, workspace inside of a kernel, and the padding of
    channels in the memory layouts of some processors.

    Args:
        model: A model whose shapes follow from its inputs; all first dimensions of inputs that are not fixed are 1.

    Raises:
        InvalidValueError: If a shape is not known, or the model has branches or loops.
    """
    size = tensor_bytes(model)
    inputs = [each.name for each in model.graph.input if each.name in size]
    return peak_bytes(kernels_of(model, size), size, inputs, [each.name for each in model.graph.output])


def peak_bytes(
    kernels: Sequence[Kernel], size: Mapping[str, int], inputs: Sequence[str], outputs: Sequence[str]
) -> int:
    """Most bytes that are alive at one time while kernels run one after the other.

    Args:
        kernels: The kernels, in the order of their execution.
        size: Bytes of each tensor, by its name.
        inputs: Tensors that are there from the beginning to the end.
        outputs: Tensors that are kept to the end.
    """
    last_use = _last_uses(kernels, kept={*inputs, *outputs})
    buffers = {name: name for name in inputs}  # of each tensor that is alive: the tensor that it was allocated for
    peak = sum(size[name] for name in inputs)
    for position, kernel in enumerate(kernels):
        free = {name for name in buffers if last_use[name] <= position}
        taken_over = _taken_over(kernel, buffers, free, size)
        for output in kernel.outputs:
            buffers[output] = taken_over or output
        peak = max(peak, sum(size[name] for name in set(buffers.values())))
        buffers = {name: buffer for name, buffer in buffers.items() if last_use[name] > position}
    return peak


def model_bytes(model: onnx.ModelProto) -> int:
    """Bytes of the constants of a model, which are its weights for the most part."""
    constants = [*model.graph.initializer]
    constants += [each.t for node in model.graph.node for each in node.attribute if each.type == each.TENSOR]
    return sum(len(onnx.numpy_helper.to_array(each).tobytes()) for each in constants)


def _last_uses(kernels: Sequence[Kernel], kept: Collection[str]) -> dict[str, int]:
    """Position of the last kernel that reads or makes a tensor; the number of kernels for those kept to the end."""
    uses = {name: position for position, kernel in enumerate(kernels) for name in (*kernel.inputs, *kernel.outputs)}
    return uses | dict.fromkeys(kept, len(kernels))


def _taken_over(
    kernel: Kernel, buffers: Mapping[str, str], free: Collection[str], size: Mapping[str, int]
) -> str | None:
    """The buffer of an input into which the kernel writes its output: one that nothing else reads afterwards."""
    for name in kernel.in_place:
        shared = all(each in free for each, buffer in buffers.items() if buffer == buffers[name])
        if (kernel.is_view or shared) and size[name] == size[kernel.outputs[0]]:
            return buffers[name]
    return None
