"""Seeded numbers for the rows of a table, and ranges from which they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, BeforeValidator, Field
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.seeding import numpy_generator

MOST_ROWS = 2**16  # the cached targets of an image are at most as many


TWO_NUMBERS = "two numbers, the smaller one first"


def _two(limits: Any) -> Any:
    if not isinstance(limits, (list, tuple)) or len(limits) != 2:
        raise InvalidValueError("range", limits, TWO_NUMBERS)
    return limits


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise InvalidValueError("range", list(limits), TWO_NUMBERS)
    return limits


Positive = Annotated[float, Field(gt=0)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]
RangeOfShares = Annotated[tuple[PositiveShare, PositiveShare], BeforeValidator(_two), AfterValidator(_ascending)]
RangeOfRatios = Annotated[tuple[Positive, Positive], BeforeValidator(_two), AfterValidator(_ascending)]
RowCount = Annotated[int, Field(ge=2, le=MOST_ROWS)]


@dataclass(frozen=True)
class RowDraws:
    """Random numbers for all rows but the first, which is the one that leaves images as they are.

    Every purpose has a stream of its own: a change of one property of the rows leaves the others as they are, and more
    rows begin with the same ones.

    Attributes:
        rows: Number of rows of the table.
        seed: The configured seed.
    """

    rows: int
    seed: int

    def uniform(self, purpose: str, limits: tuple[float, float], first: float) -> Tensor:
        """Draw ``(R,)``, float64, uniformly between two limits.

        Args:
            purpose: Which property of the rows is drawn.
            limits: Smallest and largest number.
            first: Number of row 0.
        """
        numbers = torch.from_numpy(numpy_generator(self.seed, "augmentation", purpose).uniform(*limits, self.rows))
        numbers[0] = first
        return numbers
