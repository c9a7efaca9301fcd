"""Networks that people have designed, scaled by a width multiplier until they are within limits.

They are architectures as candidates are, built by ``networks.build_network``; that of a residual network belongs to no
search space.

Rules by which they are made for small images:

- MobileNetV2: its 5 strides of 2 (one in the first convolution) divide images of 224 pixels by 32. The first ones
  become 1 until the last maps have at least 4 pixels a side. At 32 pixels these are the first convolution and the
  second stage, as in the usual implementation for CIFAR (Kuang Liu, ``pytorch-cifar``). Where no width is within the
  limits then, the last maps have 2 pixels (as in Tian et al.'s ``RepDistiller``) or 1.
- ShuffleNetV2: each of its 3 stages halves the resolution, at any size of images. Its stem divides it by 4, as
  published, where the last maps keep at least 4 pixels a side, else by 2, or not at all: then a 1x1 convolution without
  pooling comes first (likewise there).
- ResNets: as published for images of 32 pixels; the second and third stage halve the resolution.

All channels are scaled by the same multiplier, a multiple of ``STEP``, and rounded; it may be above 1. It is never so
small that a layer has fewer than ``FEWEST_CHANNELS``: a network with a single channel would be none to compare with.

References:
    Sandler et al. (2018). MobileNetV2: Inverted Residuals and Linear Bottlenecks. CVPR, table 2. Differences: the last
    convolution is scaled by multipliers below 1 too, and channels are not rounded to multiples of 8.
    Ma et al. (2018). ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design. ECCV, table 5, 1x.
    Difference: other widths are proportional to it; in the table 0.5x has 48 channels and not 58, and the last
    convolution has 1024 channels up to 1.5x.
    He et al. (2016). Deep Residual Learning for Image Recognition. CVPR, section 4.2: ResNet-20.
    Banbury et al. (2021). MLPerf Tiny Benchmark. NeurIPS Datasets and Benchmarks: the ResNet-8 of image classification.
    Difference of both ResNets: see ``networks/residual.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import AllCosts, Costs, Limits
from mf_nas_kd.spaces.stem_stride import stem_stride_field

STEP = 0.05  # of width multipliers
FEWEST_CHANNELS = 4  # of any layer; the narrowest in the configured spaces have as many
SMALLEST_MAPS = (4, 2, 1)  # pixels a side of the last maps at least, in the order in which they are tried
Scaled = Callable[[int], int]
Build = Callable[[Scaled, int], Architecture]


def mobilenet_v2(scaled: Scaled, most_halvings: int) -> Architecture:
    """MobileNetV2 (Sandler et al., 2018, table 2).

    Args:
        scaled: Scales a number of channels.
        most_halvings: How often the resolution may be halved, where a design leaves that open.
    """
    table = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    halvings = 1 + sum(stride == 2 for *_, stride in table)
    left_out = max(0, halvings - most_halvings)
    stem_stride = 1 if left_out > 0 else 2
    left_out -= stem_stride == 1
    stages = []
    for expansion, channels, repeats, stride in table:
        becomes_1 = stride == 2 and left_out > 0
        left_out -= becomes_1
        stages.append([expansion, scaled(channels), repeats, 1 if becomes_1 else stride])
    return Architecture.of(
        "mobilenet_v2", stem=scaled(32), stages=stages, head=scaled(1280), **stem_stride_field(stem_stride)
    )


def shufflenet_v2(scaled: Scaled, most_halvings: int) -> Architecture:
    """ShuffleNetV2 1x (Ma et al., 2018, table 5); arguments as of :func:`mobilenet_v2`."""
    stages = [[2 * scaled(channels // 2), blocks] for channels, blocks in ((116, 3), (232, 7), (464, 3))]
    stem_stride = 2 ** min(2, max(0, most_halvings - len(stages)))
    return Architecture.of(
        "shufflenet_v2", stem=scaled(24), stages=stages, head=scaled(1024), **stem_stride_field(stem_stride)
    )


def resnet(blocks: int) -> Build:
    """Makes the ResNet of depth ``6 * blocks + 2`` for small images (He et al., 2016), as :func:`mobilenet_v2` does."""

    def build(scaled: Scaled, most_halvings: int) -> Architecture:
        stages = [scaled(channels) for channels in (16, 32, 64)]
        return Architecture.of("residual", stem=scaled(16), stages=stages, blocks=blocks)

    return build


@dataclass(frozen=True)
class Design:
    """A network that people have designed.

    Attributes:
        build: From a function that scales channels, and the number of halvings, to an architecture.
        narrowest: Channels of its narrowest layer at multiplier 1.
    """

    build: Build
    narrowest: int

    def at(self, multiplier: float, image_size: int, smallest_map: int = SMALLEST_MAPS[0]) -> Architecture:
        """The architecture with all channels scaled by a multiplier, and rounded.

        Args:
            multiplier: Width multiplier, above 0.
            image_size: Shorter side of the images, in pixels.
            smallest_map: Pixels a side of the last maps at least, where the design leaves that open.
        """
        halvings = max(0, int(math.log2(image_size / smallest_map)))
        return self.build(lambda channels: max(1, round(channels * multiplier)), halvings)


DESIGNS: Mapping[str, Design] = {
    "MobileNetV2": Design(mobilenet_v2, narrowest=16),
    "ShuffleNetV2": Design(shufflenet_v2, narrowest=24),
    "ResNet-8": Design(resnet(1), narrowest=16),
    "ResNet-20": Design(resnet(3), narrowest=16),
}
"""The designs by their names."""


def widest_within(
    name: str, limits: Limits, cost_of: Callable[[Architecture], Costs | AllCosts], image_size: int
) -> tuple[float, Architecture]:
    """The widest form of a design within limits.

    Costs rise with the multiplier, so that a bisection finds it.

    Args:
        name: A name in ``DESIGNS``.
        limits: What it may cost; at least one limit.
        cost_of: Counts the costs of an architecture.
        image_size: Shorter side of the images, in pixels.

    Returns:
        The multiplier, a multiple of ``STEP``, and the architecture.

    Raises:
        ImpossibleLimitError: If the narrowest form is above the limits, or there is no limit.
    """
    design = DESIGNS[name]
    if not limits.maxima:
        raise ImpossibleLimitError(f"{name} has no widest form without limits")
    narrowest = math.ceil(round(FEWEST_CHANNELS / design.narrowest / STEP, 9))
    for smallest_map in SMALLEST_MAPS:

        def form(steps: int, smallest_map: int = smallest_map) -> Architecture:
            return design.at(steps * STEP, image_size, smallest_map)

        if limits.allow(cost_of(form(narrowest))):
            steps = _last(lambda steps: limits.allow(cost_of(form(steps))), narrowest)
            return round(steps * STEP, 2), form(steps)
    raise ImpossibleLimitError(_too_costly(name, narrowest, cost_of(form(narrowest)), limits))


def _last(holds: Callable[[int], bool], start: int) -> int:
    """The last number from ``start`` for which a condition holds that holds there, and for none after it."""
    low, high = start, 2 * start
    while holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _too_costly(name: str, steps: int, costs: Costs | AllCosts, limits: Limits) -> str:
    has: dict[str, Any] = costs.to_row()
    counted = " and ".join(f"{each} = {has[each]:,}" for each in limits.maxima)
    return f"{name} x{steps * STEP:.2g}, its narrowest form, has {counted}, and at most {limits} is allowed"
