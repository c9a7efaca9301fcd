"""Base class of the spaces with ordered choices: an architecture is a point on a grid."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, PositiveInt

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.architecture import Architecture


def _ascending(values: tuple[int, ...]) -> tuple[int, ...]:
    """The values themselves; refused unless they ascend without repetition."""
    if list(values) != sorted(set(values)):
        raise InvalidValueError("list of choices", list(values), "ascending and without repetition")
    return values


AscendingChoices = Annotated[tuple[PositiveInt, ...], Field(min_length=1), AfterValidator(_ascending)]


def observed(points: Iterable[Sequence[int]]) -> list[list[int]]:
    """The values that some points have on each axis, ascending.

    >>> observed([(4, 16), (8, 16)])
    [[4, 8], [16]]
    """
    return [sorted(set(values)) for values in zip(*points, strict=True)]


@dataclass(frozen=True)
class Grid:
    """All combinations of ordered choices. A point has one value of every axis.

    Attributes:
        axes: Choices of each axis, ascending.

    >>> grid = Grid(axes=((4, 8, 12), (16,)))
    >>> grid.size
    3
    >>> grid.neighbours((8, 16))
    ((4, 16), (12, 16))
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
        """Draw a point: every value independently and uniformly."""
        return tuple(int(rng.choice(axis)) for axis in self.axes)

    def neighbours(self, point: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """The points that differ by one step on one axis.

        Raises:
            ValueError: If a value of the point is not on its axis.
        """
        found = []
        for number, (axis, value) in enumerate(zip(self.axes, point, strict=True)):
            index = axis.index(value)
            for step in (index - 1, index + 1):
                if 0 <= step < len(axis):
                    found.append((*point[:number], axis[step], *point[number + 1 :]))
        return tuple(found)

    def logarithms(self, point: Sequence[int]) -> tuple[float, ...]:
        """Natural logarithms of the values on the axes that have more than one choice."""
        return tuple(math.log(value) for value, axis in zip(point, self.axes, strict=True) if len(axis) > 1)


class GridSpace(ABC):
    """A space whose architectures are the points of a grid; a subclass converts points to fields and back.

    Args:
        axes: Choices of each axis, ascending.
    """

    name: str

    def __init__(self, axes: tuple[tuple[int, ...], ...]) -> None:
        self._grid = Grid(axes)

    @property
    def size(self) -> int:
        return self._grid.size

    def sample(self, rng: np.random.Generator) -> Architecture:
        return self._architecture(self._grid.sample(rng))

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        return tuple(self._architecture(point) for point in self._grid.neighbours(self._point(architecture)))

    def encode(self, architecture: Architecture) -> tuple[float, ...]:
        return self._grid.logarithms(self._point(architecture))

    @abstractmethod
    def _architecture(self, point: Sequence[int]) -> Architecture:
        """The architecture at a point."""

    @abstractmethod
    def _values(self, fields: Mapping[str, Any]) -> tuple[int, ...] | None:
        """The point of an architecture's fields, on the grid or not; None where they cannot be converted."""

    def _point(self, architecture: Architecture) -> tuple[int, ...]:
        """The point of an architecture; one of another space is refused."""
        point = self._values(architecture.fields) if architecture.space == self.name else None
        if point is None or point not in self._grid:
            received = (architecture.space, architecture.specification)
            raise InvalidValueError("architecture", received, "one of the space")
        return point
