"""What spaces of ordered choices share: an architecture is a point on a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field, PositiveInt

from mf_nas_kd.errors import InvalidValueError


def _ascending(values: tuple[int, ...]) -> tuple[int, ...]:
    if list(values) != sorted(set(values)):
        raise InvalidValueError("list of choices", list(values), "ascending and without repetition")
    return values


AscendingChoices = Annotated[tuple[PositiveInt, ...], Field(min_length=1), AfterValidator(_ascending)]


@dataclass(frozen=True)
class Grid:
    """All combinations of ordered choices.

    Attributes:
        axes: The choices of each axis, ascending. A point has one value of every axis.
    """

    axes: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(len(axis) for axis in self.axes)

    def __contains__(self, point: Sequence[int]) -> bool:
        if len(point) != len(self.axes):
            return False
        return all(value in axis for value, axis in zip(point, self.axes, strict=True))

    def sample(self, rng: np.random.Generator) -> tuple[int, ...]:
        """Draw every value independently and uniformly."""
        return tuple(int(rng.choice(axis)) for axis in self.axes)

    def neighbours(self, point: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """The points that are one step away on one axis."""
        found = []
        for place, (axis, value) in enumerate(zip(self.axes, point, strict=True)):
            index = axis.index(value)
            for step in (index - 1, index + 1):
                if 0 <= step < len(axis):
                    found.append((*point[:place], axis[step], *point[place + 1 :]))
        return tuple(found)

    def logarithms(self, point: Sequence[int]) -> tuple[float, ...]:
        """Logarithms of the values on the axes that have more than one choice."""
        return tuple(math.log(value) for value, axis in zip(point, self.axes, strict=True) if len(axis) > 1)
