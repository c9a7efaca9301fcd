"""The space of MobileNetV2 networks: channels, repeats and expansion factors of any number of stages.

References:
    Sandler et al. (2018). MobileNetV2: Inverted Residuals and Linear Bottlenecks. CVPR.
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation. IEEE Access.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from mf_nas_kd.records.architecture import Architecture, common_value
from mf_nas_kd.spaces.grid import AscendingChoices, GridSpace, observed
from mf_nas_kd.spaces.space import SpaceChoices
from mf_nas_kd.spaces.stem_stride import stem_stride_field, stem_stride_of


class StageChoices(BaseModel):
    """Choices of one stage.

    Attributes:
        expansion: Choices of the expansion factor, by which a block multiplies its input channels inside.
        channels: Choices of the output channels.
        repeats: Choices of the number of blocks.
        stride: Stride of the first block: 2 halves the resolution, 1 keeps it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    expansion: AscendingChoices
    channels: AscendingChoices
    repeats: AscendingChoices
    stride: Literal[1, 2]


class MobileNetV2Choices(SpaceChoices):
    """Choices of a network.

    Attributes:
        stem: Choices of the channels of the first convolution.
        stem_stride: Its stride, the same for all: 1 for images of up to 64 pixels or so, 2 for larger ones. The fields
            of an architecture have it only where it is 2.
        stages: Choices of each stage, at least one stage.
        head: Choices of the channels of the last convolution.
    """

    stem: AscendingChoices
    stem_stride: Literal[1, 2]
    stages: Annotated[tuple[StageChoices, ...], Field(min_length=1)]
    head: AscendingChoices

    @classmethod
    def enclosing(cls, architectures: Sequence[Mapping[str, Any]]) -> Self:
        stem_stride = common_value("stem stride", (stem_stride_of(fields) for fields in architectures))
        strides = common_value("strides", (_strides(fields) for fields in architectures))
        stem, *middle, head = observed(_point(fields) for fields in architectures)
        stages = [
            {"expansion": expansion, "channels": channels, "repeats": repeats, "stride": stride}
            for expansion, channels, repeats, stride in zip(
                middle[::3], middle[1::3], middle[2::3], strides, strict=True
            )
        ]
        return cls.model_validate({"stem": stem, "stem_stride": stem_stride, "stages": stages, "head": head})


class MobileNetV2Space(GridSpace):
    """All combinations of the choices of MobileNetV2 networks.

    An architecture is a point on a grid: one value for every choice, in the order stem, then expansion, channels and
    repeats of each stage, then head.

    Args:
        choices: Choices of the networks.

    >>> stage = {"expansion": (2, 4), "channels": (8, 16, 24), "repeats": (1,), "stride": 2}
    >>> choices = MobileNetV2Choices.model_validate({"stem": (8,), "stem_stride": 1, "stages": (stage,), "head": (64,)})
    >>> MobileNetV2Space(choices).size
    6
    """

    name = "mobilenet_v2"
    Options: ClassVar[type[SpaceChoices]] = MobileNetV2Choices

    def __init__(self, choices: MobileNetV2Choices) -> None:
        self._stem_stride = choices.stem_stride
        self._strides = tuple(stage.stride for stage in choices.stages)
        axes = (axis for stage in choices.stages for axis in (stage.expansion, stage.channels, stage.repeats))
        super().__init__((choices.stem, *axes, choices.head))

    def _architecture(self, point: Sequence[int]) -> Architecture:
        stem, *middle, head = point
        rows = [[*middle[3 * i : 3 * i + 3], stride] for i, stride in enumerate(self._strides)]
        return Architecture.of(self.name, stem=stem, stages=rows, head=head, **stem_stride_field(self._stem_stride))

    def _values(self, fields: Mapping[str, Any]) -> tuple[int, ...] | None:
        fits = stem_stride_of(fields) == self._stem_stride and _strides(fields) == self._strides
        return _point(fields) if fits else None


def _strides(fields: Mapping[str, Any]) -> tuple[int, ...]:
    """Stride of each stage."""
    return tuple(row[3] for row in fields["stages"])


def _point(fields: Mapping[str, Any]) -> tuple[int, ...]:
    """Values of the grid's axes, in their order."""
    return (fields["stem"], *(value for row in fields["stages"] for value in row[:3]), fields["head"])
