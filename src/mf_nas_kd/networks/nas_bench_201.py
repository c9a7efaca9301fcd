"""Networks of NAS-Bench-201: a stem and three stages of copies of one cell.

References:
    Dong and Yang (2020). NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search. ICLR,
    section 2.1 and figure 1.
    Differences: the weights are initialised as in all networks of this package. The pooling of a shortcut keeps the
    last row and column of a map with an odd size, where the original raises; on even sizes both are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from mf_nas_kd.networks.trunk import TappedNetwork, convolution
from mf_nas_kd.spaces.nas_bench_201 import EDGES, operations_of_cell


class Zero(nn.Module):
    """The operation ``none``: zeros of the shape of the input, without gradient."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.zeros_like(features)


def _relu_convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    # The ReLU must not work in place: other edges read the same features.
    return nn.Sequential(nn.ReLU(), convolution(inputs, outputs, kernel, stride))


OPERATION_BUILDERS: Mapping[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: Zero(),
    "skip_connect": lambda channels: nn.Identity(),
    "nor_conv_1x1": lambda channels: _relu_convolution(channels, channels, 1),
    "nor_conv_3x3": lambda channels: _relu_convolution(channels, channels, 3),
    "avg_pool_3x3": lambda channels: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
}
"""Functions that build the module of an operation from its number of channels, which is that of its output too."""


class Cell(nn.Module):
    """A cell: each node is the sum of the outputs of its incoming edges, and the last node is the output.

    Args:
        operations: Name of the operation of each edge, in the order of ``EDGES``.
        channels: Channels of input and output.
    """

    def __init__(self, operations: Sequence[str], channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(OPERATION_BUILDERS[operation](channels) for operation in operations)

    def forward(self, features: Tensor) -> Tensor:
        nodes = [features]
        for node in (1, 2, 3):
            incoming = [
                edge(nodes[source])
                for edge, (source, target) in zip(self.edges, EDGES, strict=True)
                if target == node and not isinstance(edge, Zero)  # zeros change no sum, and cost time on a device
            ]
            nodes.append(reduce(add, incoming) if incoming else torch.zeros_like(features))
        return nodes[-1]


class ReductionBlock(nn.Module):
    """A residual block that halves the resolution; its shortcut is average pooling and a 1x1 convolution.

    Args:
        inputs: Input channels.
        outputs: Output channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _relu_convolution(inputs, outputs, 3, stride=2), _relu_convolution(outputs, outputs, 3)
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, stride=2, ceil_mode=True), nn.Conv2d(inputs, outputs, 1, bias=False)
        )

    def forward(self, features: Tensor) -> Tensor:
        shortcut: Tensor = self.shortcut(features)
        filtered: Tensor = self.layers(features)
        return shortcut + filtered


class NASBench201Network(TappedNetwork):
    """The network of one architecture of the ``nas_bench_201`` space.

    Args:
        cell: String of the cell, in the format of the benchmark.
        stem: Channels of the first 3x3 convolution and of the first stage; the second stage has twice, the third four
            times as many.
        cells_per_stage: Copies of the cell in each stage, each with its own weights.
        classes: Number of classes, ``K``.
        image_channels: Channels of the images: 1 for greyscale, 3 for colour.
        width: Width multiplier: factor of all channels, above 0; products are rounded, to at least 1.

    Raises:
        InvalidValueError: If ``cell`` is not the string of a cell.
    """

    def __init__(
        self, cell: str, stem: int, cells_per_stage: int, classes: int, image_channels: int, width: float = 1.0
    ) -> None:
        operations = operations_of_cell(cell)
        stages = [max(1, round(factor * stem * width)) for factor in (1, 2, 4)]
        inputs = stages[0]
        blocks: list[nn.Module] = [convolution(image_channels, inputs, 3)]
        for stage, channels in enumerate(stages):
            if stage > 0:
                blocks.append(ReductionBlock(inputs, channels))
            blocks.extend(Cell(operations, channels) for _ in range(cells_per_stage))
            inputs = channels
        blocks.append(nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)))
        super().__init__(blocks, inputs, classes)
