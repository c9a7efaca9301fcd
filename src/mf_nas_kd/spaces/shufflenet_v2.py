"""The space of ShuffleNetV2 networks: channels and blocks of any number of stages.

References:
    Ma et al. (2018). ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design. ECCV, table 5.
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation. IEEE Access.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.architecture import Architecture, common_value
from mf_nas_kd.spaces.grid import AscendingChoices, GridSpace, observed
from mf_nas_kd.spaces.space import SpaceChoices
from mf_nas_kd.spaces.stem_stride import stem_stride_field, stem_stride_of


def require_even(channels: tuple[int, ...]) -> tuple[int, ...]:
    """Return the channels of the stages; odd numbers are refused.

    Raises:
        InvalidValueError: If a number of channels is odd.

    >>> require_even((16, 32))
    (16, 32)
    """
    if any(value % 2 for value in channels):
        raise InvalidValueError("channels of a stage", list(channels), "even: a block splits them into two halves")
    return channels


class ShuffleNetV2StageChoices(BaseModel):
    """Choices of one stage.

    Attributes:
        channels: Choices of the output channels, even.
        blocks: Choices of the number of blocks that keep the resolution, after the one that halves it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: Annotated[AscendingChoices, AfterValidator(require_even)]
    blocks: AscendingChoices


class ShuffleNetV2Choices(SpaceChoices):
    """Choices of a network.

    Attributes:
        stem: Choices of the channels of the first convolution.
        stem_stride: By how much the stem divides the resolution, the same for all: 1 for images of up to 64 pixels or
            so, 2, or 4 as published for 224 pixels. The fields of an architecture have it only where it is not 1.
        stages: Choices of each stage, at least one stage.
        head: Choices of the channels of the last convolution.
    """

    stem: AscendingChoices
    stem_stride: Literal[1, 2, 4]
    stages: Annotated[tuple[ShuffleNetV2StageChoices, ...], Field(min_length=1)]
    head: AscendingChoices

    @classmethod
    def enclosing(cls, architectures: Sequence[Mapping[str, Any]]) -> Self:
        common_value("number of stages", (len(fields["stages"]) for fields in architectures))
        stem_stride = common_value("stem stride", (stem_stride_of(fields) for fields in architectures))
        stem, *middle, head = observed(_point(fields) for fields in architectures)
        stages = [
            {"channels": channels, "blocks": blocks} for channels, blocks in zip(middle[::2], middle[1::2], strict=True)
        ]
        return cls.model_validate({"stem": stem, "stem_stride": stem_stride, "stages": stages, "head": head})


class ShuffleNetV2Space(GridSpace):
    """All combinations of the choices of ShuffleNetV2 networks.

    An architecture is a point on a grid: one value for every choice, in the order stem, then channels and blocks of
    each stage, then head.

    Args:
        choices: Choices of the networks.

    >>> stage = {"channels": (16, 32), "blocks": (1, 2, 3)}
    >>> fields = {"stem": (8,), "stem_stride": 1, "stages": (stage,), "head": (64,)}
    >>> choices = ShuffleNetV2Choices.model_validate(fields)
    >>> ShuffleNetV2Space(choices).size
    6
    """

    name = "shufflenet_v2"
    Options: ClassVar[type[SpaceChoices]] = ShuffleNetV2Choices

    def __init__(self, choices: ShuffleNetV2Choices) -> None:
        self._stem_stride = choices.stem_stride
        axes = (axis for stage in choices.stages for axis in (stage.channels, stage.blocks))
        super().__init__((choices.stem, *axes, choices.head))

    def _architecture(self, point: Sequence[int]) -> Architecture:
        stem, *middle, head = point
        rows = [middle[i : i + 2] for i in range(0, len(middle), 2)]
        return Architecture.of(self.name, stem=stem, stages=rows, head=head, **stem_stride_field(self._stem_stride))

    def _values(self, fields: Mapping[str, Any]) -> tuple[int, ...] | None:
        return _point(fields) if stem_stride_of(fields) == self._stem_stride else None


def _point(fields: Mapping[str, Any]) -> tuple[int, ...]:
    """Values of the grid's axes, in their order."""
    return (fields["stem"], *(value for row in fields["stages"] for value in row), fields["head"])
