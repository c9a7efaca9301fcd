"""A network as a row of blocks, from the fields of its architecture: for the drawing at the head of the report.

The drawing of a further space is one function and one line in ``LAYERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mf_nas_kd.spaces.nas_bench_201 import EDGES, live_edges, operations_of_cell
from mf_nas_kd.spaces.stem_stride import stem_stride_of


@dataclass(frozen=True)
class Layer:
    """A part of a network before its resolution is known.

    Attributes:
        title: What it is, in the field's words.
        channels: Channels of its output.
        kind: Its colour: ``convolution``, ``stage`` or ``reduction``.
        repeats: How many copies follow each other; the first one has the stride.
        stride: By how much the first copy divides the resolution, rounded up.
        detail: What else determines it; may be empty.
    """

    title: str
    channels: int
    kind: str = "stage"
    repeats: int = 1
    stride: int = 1
    detail: str = ""


@dataclass(frozen=True)
class Block:
    """A box of the drawing.

    Attributes:
        title: What it is.
        detail: What else determines it; may be empty.
        shape: Channels and resolution of its output.
        kind: Its colour: ``input``, ``convolution``, ``stage``, ``reduction`` or ``classifier``.
        repeats: How many copies follow each other.
        stride: Stride of the first copy.
        resolution: Height of its output relative to that of the images, in (0, 1].
        channels: Channels of its output relative to the largest number, in (0, 1].
    """

    title: str
    detail: str
    shape: str
    kind: str
    repeats: int
    stride: int
    resolution: float
    channels: float


def network_blocks(
    builder: str, fields: Mapping[str, Any], image_shape: tuple[int, int, int], classes: int
) -> list[Block]:
    """The boxes of a network's drawing, from the images to the classifier.

    Args:
        builder: Name of the builder of the network; of one that cannot be drawn, images and classifier are left.
        fields: Fields of the architecture.
        image_shape: Shape ``(C, H, W)`` of one image.
        classes: Number of classes, ``K``.

    >>> fields = {"stem": 8, "stages": [8, 16], "blocks": 1}
    >>> [block.shape for block in network_blocks("residual", fields, (3, 9, 9), 10)]
    ['3 × 9×9', '8 × 9×9', '8 × 9×9', '16 × 5×5', '10']
    """
    input_channels, height, width = image_shape
    layers = list(LAYERS[builder](fields)) if builder in LAYERS else []
    most = max(input_channels, *(layer.channels for layer in layers)) if layers else input_channels
    blocks = [Block("image", "", f"{input_channels} × {height}×{width}", "input", 1, 1, 1.0, input_channels / most)]
    for layer in layers:
        height, width = -(-height // layer.stride), -(-width // layer.stride)
        shape = f"{layer.channels} × {height}×{width}"
        bar = (height / image_shape[1], layer.channels / most)
        blocks.append(Block(layer.title, layer.detail, shape, layer.kind, layer.repeats, layer.stride, *bar))
    last = layers[-1].channels if layers else input_channels
    classifier = Block("average, linear", f"{last} features", f"{classes}", "classifier", 1, 1, 0.0, last / most)
    return [*blocks, classifier]


def _mobilenet_v2(fields: Mapping[str, Any]) -> Iterator[Layer]:
    yield Layer("3×3 convolution", fields["stem"], "convolution", stride=stem_stride_of(fields))
    for expansion, channels, repeats, stride in fields["stages"]:
        yield Layer("inverted residual", channels, "stage", repeats, stride, f"expansion {expansion}")
    yield Layer("1×1 convolution", fields["head"], "convolution")


def _shufflenet_v2(fields: Mapping[str, Any]) -> Iterator[Layer]:
    stride = stem_stride_of(fields)
    yield Layer(
        "1×1 convolution" if stride == 1 else "3×3 convolution", fields["stem"], "convolution", 1, min(stride, 2)
    )
    if stride == 4:
        yield Layer("3×3 max pooling", fields["stem"], "reduction", 1, 2)
    for channels, repeats in fields["stages"]:
        yield Layer("shuffle unit", channels, "reduction", 1, 2, "downsampling")
        if repeats:
            yield Layer("shuffle unit", channels, "stage", repeats)
    yield Layer("1×1 convolution", fields["head"], "convolution")


def _nas_bench_201(fields: Mapping[str, Any]) -> Iterator[Layer]:
    yield Layer("3×3 convolution", fields["stem"], "convolution")
    for stage in range(3):
        channels = 2**stage * fields["stem"]
        if stage:
            yield Layer("residual block", channels, "reduction", 1, 2)
        yield Layer("cell", channels, "stage", fields["cells_per_stage"])


def _residual(fields: Mapping[str, Any]) -> Iterator[Layer]:
    yield Layer("3×3 convolution", fields["stem"], "convolution")
    for stage, channels in enumerate(fields["stages"]):
        yield Layer("residual block", channels, "stage", fields["blocks"], 2 if stage else 1)


LAYERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Layer]]] = {
    "mobilenet_v2": _mobilenet_v2,
    "nas_bench_201": _nas_bench_201,
    "residual": _residual,
    "shufflenet_v2": _shufflenet_v2,
}
"""Functions that list the layers of a network from the fields of its architecture, by the name of its builder."""

OPERATION_NAMES = {
    "skip_connect": "identity",
    "nor_conv_1x1": "1×1 convolution",
    "nor_conv_3x3": "3×3 convolution",
    "avg_pool_3x3": "3×3 average pooling",
}


def cell_edges(builder: str, fields: Mapping[str, Any]) -> list[str]:
    """What the edges of a cell of NAS-Bench-201 compute, those that reach its output; empty for other networks.

    >>> cell_edges("nas_bench_201", {"cell": "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"})
    ['input → node 1: 3×3 convolution', 'input → output: identity', 'node 1 → output: 1×1 convolution']
    """
    if builder != "nas_bench_201":
        return []
    operations = operations_of_cell(fields["cell"])
    live = live_edges(operations)
    nodes = ("input", "node 1", "node 2", "output")
    return [
        f"{nodes[source]} → {nodes[target]}: {OPERATION_NAMES[operation]}"
        for (source, target), operation in zip(EDGES, operations, strict=True)
        if (source, target) in live
    ]
