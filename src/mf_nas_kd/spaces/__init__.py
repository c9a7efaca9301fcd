"""Search spaces: which architectures there are, which are neighbours, and their features for a model.

One space a file, one line a space in the table below. Nothing here needs torch: an architecture is a value, the
network is built elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, model_validator

from mf_nas_kd.records.architecture import Architecture, common_value
from mf_nas_kd.records.costs import Limits
from mf_nas_kd.registry import NameIn, Options, OptionsOf, configured, lookup
from mf_nas_kd.spaces.limits import sample_within
from mf_nas_kd.spaces.mobilenet_v2 import MobileNetV2Space
from mf_nas_kd.spaces.nas_bench_201 import NASBench201Space
from mf_nas_kd.spaces.shufflenet_v2 import ShuffleNetV2Space
from mf_nas_kd.spaces.space import SearchSpace

SPACES: Mapping[str, type[SearchSpace]] = {
    "mobilenet_v2": MobileNetV2Space,
    "nas_bench_201": NASBench201Space,
    "shufflenet_v2": ShuffleNetV2Space,
}


def build_space(name: str, choices: Options | Mapping[str, Any]) -> SearchSpace:
    """Build a space from its configuration.

    Args:
        name: A name in ``SPACES``.
        choices: What may vary: an instance of the space's ``Options``, or its fields.

    Raises:
        UnknownNameError: If the space is not known.
        pydantic.ValidationError: If a choice is missing, unknown, or not allowed.
    """
    space, validated = configured(SPACES, name, choices, "space.name")
    return space(validated)


def enclosing_space(architectures: Sequence[Architecture]) -> SearchSpace:
    """The smallest space that holds some architectures: the choices on each axis are the values that they have.

    Args:
        architectures: At least one, all of one space.

    Raises:
        InvalidValueError: If they are of different spaces, or differ in what does not vary in a space (strides, number
            of stages, the skeleton of cells).
        UnknownNameError: If their space is not known.
    """
    name = common_value("space", (architecture.space for architecture in architectures))
    space = lookup(SPACES, name, "space of the architectures")
    return space(space.Options.enclosing([architecture.fields for architecture in architectures]))


class SpaceSettings(BaseModel):
    """Search space of the configuration: its name, and the choices of each space.

    Attributes:
        name: A name in ``SPACES``.
        choices: What may vary, by the name of the space; the fields are those of the space. Choices of spaces that are
            not chosen are checked too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, NameIn(SPACES, "space.name")]
    choices: Annotated[Mapping[str, Options], OptionsOf(SPACES, "space.choices")]

    @model_validator(mode="after")
    def _the_space_has_choices(self) -> SpaceSettings:
        lookup(self.choices, self.name, "space.name without space.choices")
        return self

    def build(self) -> SearchSpace:
        """Build the space itself."""
        return build_space(self.name, self.choices[self.name])


__all__ = [
    "SPACES",
    "Architecture",
    "Limits",
    "SearchSpace",
    "SpaceSettings",
    "build_space",
    "enclosing_space",
    "sample_within",
]
