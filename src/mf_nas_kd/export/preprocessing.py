"""The deployed model: the network graph behind the resizing and cropping of the training images.

The file of an image is decoded outside, and everything after that is part of the model: what Pillow's ``ImageOps.fit``
does with the bilinear filter. Each side of the image is multiplied by a matrix of the filter's weights; the filter is
widened by the scale where the image is reduced (antialiasing). ONNX's ``Resize`` with antialiasing has the same filter,
but its only crop, that of ``tf_crop_and_resize``, takes pixels outside the image for constants, where ``fit`` leaves
them out; and borders of the box of ``fit`` may lie between two pixels.

Results are whole numbers, as Pillow's, and differ from them by at most 1: Pillow adds in fixed point, and its version
13 begins with the rows of images that are much higher than wide.

Letters: ``B`` images of one height ``H`` and width ``W`` with ``C`` channels; ``h`` and ``w`` are height and width of
the training images, ``K`` is the number of classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import onnx

from mf_nas_kd.export.graph import rename_tensors, slimmed

# The box of the image that is kept, in pixels, for both sides at once: (H, W). Pillow has it in single precision.
BOX = """
    sides = Shape <start: int = 1, end: int = 3> (images)
    length = Cast <to: int = 11> (sides)
    scales = Div (length, target)
    least = ReduceMin <keepdims: int = 1> (scales)
    box = Mul (least, target)
    cut = Sub (length, box)
    start = Mul (cut, half)
    stop = Add (start, box)
    start_single = Cast <to: int = 1> (start)
    stop_single = Cast <to: int = 1> (stop)
    box_single = Sub (stop_single, start_single)
    first = Cast <to: int = 11> (start_single)
    box_double = Cast <to: int = 11> (box_single)
    scale = Div (box_double, target)
    width = Max (scale, one)
    y_first, x_first = Split <axis: int = 0, num_outputs: int = 2> (first)
    y_scale, x_scale = Split <axis: int = 0, num_outputs: int = 2> (scale)
    y_width, x_width = Split <axis: int = 0, num_outputs: int = 2> (width)
    y_length, x_length = Split <axis: int = 0, num_outputs: int = 2> (length)
"""

# Weights of one side: (L, n) for L pixels of the image and n of the result, in double precision as Pillow has them.
WEIGHTS = """
    {side}_scalar = Squeeze ({side}_length)
    {side}_pixels = Range (half_scalar, {side}_scalar, one_scalar)
    {side}_column = Unsqueeze ({side}_pixels, one_index)
    {side}_steps = Mul ({side}_centres, {side}_scale)
    {side}_points = Add ({side}_steps, {side}_first)
    {side}_distance = Sub ({side}_column, {side}_points)
    {side}_absolute = Abs ({side}_distance)
    {side}_relative = Div ({side}_absolute, {side}_width)
    {side}_rest = Sub (one, {side}_relative)
    {side}_triangle = Relu ({side}_rest)
    {side}_sum = ReduceSum <keepdims: int = 1> ({side}_triangle, zero_index)
    {side}_normalised = Div ({side}_triangle, {side}_sum)
    {side}_weights = Cast <to: int = 1> ({side}_normalised)
"""

# First the columns, then the rows, each rounded to whole numbers.
PASSES = """
    channels_first = Transpose <perm: ints = [0, 3, 1, 2]> (images)
    pixels = Cast <to: int = 1> (channels_first)
    narrow = MatMul (pixels, x_weights)
    narrow_half = Add (narrow, half_single)
    narrow_whole = Floor (narrow_half)
    y_transposed = Transpose (y_weights)
    small = MatMul (y_transposed, narrow_whole)
    small_half = Add (small, half_single)
    small_whole = Floor (small_half)
    resized = Cast <to: int = 2> (small_whole)
"""

MODEL = """
<ir_version: {ir_version}, opset_import: ["" : {opset}]>
preprocessing (uint8[batch, height, width, {channels}] images) => (uint8[batch, {channels}, {h}, {w}] resized)
<
    double[2] target = {{{h}, {w}}}, double[1] half = {{0.5}}, double[1] one = {{1}},
    double half_scalar = {{0.5}}, double one_scalar = {{1}}, float[1] half_single = {{0.5}},
    int64[1] zero_index = {{0}}, int64[1] one_index = {{1}},
    double[{h}] y_centres = {{{y_centres}}}, double[{w}] x_centres = {{{x_centres}}}
>
{{{nodes}}}
"""


def preprocessing_graph(image_shape: tuple[int, int, int], opset: int) -> onnx.ModelProto:
    """The resizing and cropping as a model: ``images`` ``(B, H, W, C)`` to ``resized`` ``(B, C, h, w)``, both uint8.

    Args:
        image_shape: ``(C, h, w)`` of the training images.
        opset: Version of the ONNX operator set.
    """
    channels, height, width = image_shape
    nodes = BOX + WEIGHTS.format(side="y") + WEIGHTS.format(side="x") + PASSES
    centres = {f"{side}_centres": ", ".join(f"{i}.5" for i in range(n)) for side, n in (("y", height), ("x", width))}
    ir_version = onnx.helper.find_min_ir_version_for([onnx.helper.make_opsetid("", opset)])
    text = MODEL.format(
        ir_version=ir_version, opset=opset, channels=channels, h=height, w=width, nodes=nodes, **centres
    )
    model: onnx.ModelProto = onnx.parser.parse_model(text)
    return model


def deployed_model(network: onnx.ModelProto, image_shape: tuple[int, int, int], metadata: Mapping[str, str]) -> bytes:
    """The deployed model: the network graph behind resizing and cropping.

    It has one input, ``images`` ``(B, H, W, C)``, uint8, with any ``B``, ``H`` and ``W``, as Pillow and OpenCV (after
    ``cvtColor``) have images: upright, red before green before blue. Its outputs are ``logits`` and ``probabilities``
    (softmax), both ``(B, K)``, float32.

    Args:
        network: A network graph, see :func:`mf_nas_kd.export.onnx.network_graph`; float32 or int8.
        image_shape: ``(C, h, w)`` of the training images.
        metadata: Texts by name, see :func:`metadata_of`.

    Returns:
        The serialised model, the content of an ``.onnx`` file.
    """
    behind = slimmed(network)
    (opset,) = (each.version for each in network.opset_import if each.domain in ("", "ai.onnx"))
    deployed = preprocessing_graph(image_shape, opset)
    inner = [each.name for each in behind.graph.initializer]
    inner += [name for node in behind.graph.node for name in node.output if name != "logits"]
    rename_tensors(behind.graph, {name: f"network/{name}" for name in inner} | {"images": "resized"})
    logits = behind.graph.output[0]
    classes = logits.type.tensor_type.shape.dim[1].dim_value
    graph = deployed.graph
    graph.node.extend(behind.graph.node)
    graph.node.append(onnx.helper.make_node("Softmax", ["logits"], ["probabilities"]))
    graph.initializer.extend(behind.graph.initializer)
    deployed.functions.extend(behind.functions)
    deployed.opset_import.extend(each for each in behind.opset_import if each.domain not in ("", "ai.onnx"))
    del graph.output[:]
    for name in ("logits", "probabilities"):
        graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", classes]))
    slim = slimmed(deployed)
    onnx.helper.set_model_props(slim, dict(metadata))
    onnx.checker.check_model(slim, full_check=True)
    return bytes(slim.SerializeToString())


def metadata_of(
    class_names: Sequence[str], image_shape: tuple[int, int, int], study: str, model_fingerprint: str, licence: str
) -> dict[str, str]:
    """Metadata of a deployed model, texts by name.

    Args:
        class_names: Names of the ``K`` classes; a label is an index into them. Written as a JSON list.
        image_shape: ``(C, h, w)`` of the training images. Written as a JSON list.
        study: Name of the study.
        model_fingerprint: Fingerprint of the trained network.
        licence: Licence of the network.
    """
    return {
        "class_names": json.dumps(list(class_names)),
        "image_shape": json.dumps(list(image_shape)),
        "study": study,
        "model_fingerprint": model_fingerprint,
        "licence": licence,
    }
