"""MobileNetV2 networks: widths, depths and expansions of any number of stages.

References:
    Sandler et al. (2018). MobileNetV2: Inverted Residuals and Linear Bottlenecks. CVPR.
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation. IEEE Access.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.spaces.architecture import Architecture


def _ascending(values: tuple[int, ...]) -> tuple[int, ...]:
    if list(values) != sorted(set(values)):
        raise InvalidValueError("list of choices", list(values), "ascending and without repetition")
    return values


AscendingChoices = Annotated[tuple[PositiveInt, ...], Field(min_length=1), AfterValidator(_ascending)]


class StageChoices(BaseModel):
    """What may vary in one stage.

    Attributes:
        expansion: Factors by which a block widens its input inside.
        channels: Output channels.
        repeats: Blocks.
        stride: 2 halves the resolution in the first block, 1 keeps it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    expansion: AscendingChoices
    channels: AscendingChoices
    repeats: AscendingChoices
    stride: Literal[1, 2]


class MobileNetV2Choices(BaseModel):
    """What may vary in a network.

    Attributes:
        stem: Channels of the first convolution.
        stages: See :class:`StageChoices`.
        head: Channels of the last convolution.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stem: AscendingChoices
    stages: Annotated[tuple[StageChoices, ...], Field(min_length=1)]
    head: AscendingChoices


class MobileNetV2Space:
    """All combinations of the choices.

    An architecture is a point on a grid: one value for every choice, in the order stem, then expansion, channels and
    repeats of each stage, then head.
    """

    name = "mobilenet_v2"

    def __init__(self, choices: MobileNetV2Choices) -> None:
        self._strides = tuple(stage.stride for stage in choices.stages)
        self._axes: tuple[tuple[int, ...], ...] = (
            choices.stem,
            *(axis for stage in choices.stages for axis in (stage.expansion, stage.channels, stage.repeats)),
            choices.head,
        )

    def sample(self, rng: np.random.Generator) -> Architecture:
        return self._architecture([int(rng.choice(axis)) for axis in self._axes])

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        point = self._point(architecture)
        found = []
        for place, (axis, value) in enumerate(zip(self._axes, point, strict=True)):
            index = axis.index(value)
            for step in (index - 1, index + 1):
                if 0 <= step < len(axis):
                    found.append(self._architecture([*point[:place], axis[step], *point[place + 1 :]]))
        return tuple(found)

    def encode(self, architecture: Architecture) -> tuple[float, ...]:
        varying = zip(self._point(architecture), self._axes, strict=True)
        return tuple(math.log(value) for value, axis in varying if len(axis) > 1)

    def _architecture(self, point: Sequence[int]) -> Architecture:
        stem, *middle, head = point
        rows = [[*middle[3 * i : 3 * i + 3], stride] for i, stride in enumerate(self._strides)]
        return Architecture.of(self.name, stem=stem, stages=rows, head=head)

    def _point(self, architecture: Architecture) -> tuple[int, ...]:
        fields = architecture.fields if architecture.space == self.name else {"stages": []}
        strides = tuple(row[3] for row in fields["stages"])
        if strides == self._strides:
            point = (fields["stem"], *(value for row in fields["stages"] for value in row[:3]), fields["head"])
            if all(value in axis for value, axis in zip(point, self._axes, strict=True)):
                return point
        raise InvalidValueError("architecture", (architecture.space, architecture.specification), "one of the space")
