"""How much a training spends: a vector, not a level."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt

from mf_nas_kd.errors import InvalidValueError

LARGEST_DENOMINATOR = 1_000_000  # of a fraction that went through a floating-point column of a table


@dataclass(frozen=True, order=True)
class Fidelity:
    """What a training of an architecture spends.

    Attributes:
        train_fraction: Share of the training images, in (0, 1].
        epochs: Passes over this share, at least 1.
        width: Multiplier of the network's channels, in (0, 1].
        distillation: Name of a distillation recipe; ``none`` for plain cross-entropy.

    Raises:
        InvalidValueError: If a value is out of its range.
    """

    train_fraction: Fraction
    epochs: int
    width: float = 1.0
    distillation: str = "none"

    def __post_init__(self) -> None:
        if not 0 < self.train_fraction <= 1:
            raise InvalidValueError("train_fraction", str(self.train_fraction), "in (0, 1]")
        if self.epochs < 1:
            raise InvalidValueError("epochs", self.epochs, "at least 1")
        if not 0 < self.width <= 1:
            raise InvalidValueError("width", self.width, "in (0, 1]")

    @classmethod
    def from_columns(cls, row: Any) -> Fidelity:
        """Read a fidelity off a table's row, whose fraction is a floating-point number."""
        fraction = Fraction(row.train_fraction).limit_denominator(LARGEST_DENOMINATOR)
        return cls(fraction, int(row.epochs), float(row.width), str(row.distillation))

    @property
    def image_passes(self) -> Fraction:
        """Passes over the whole training set that cost as much: the first guess of a relative cost."""
        return self.train_fraction * self.epochs

    def __str__(self) -> str:
        share = "all images" if self.train_fraction == 1 else f"{self.train_fraction} of the images"
        width = f", width {self.width:g}" if self.width != 1 else ""
        return f"{share}, {self.epochs} epochs{width}, {self.distillation}"


def _fraction(value: Any) -> Fraction:
    """Accepts 1/27 as text, an integer or a fraction; a rounded decimal is not one of the nested subsets."""
    if isinstance(value, float) and value != int(value):
        raise InvalidValueError("train_fraction", value, "a fraction written as text, such as '1/27'")
    try:
        return Fraction(value)
    except (TypeError, ValueError, ZeroDivisionError):
        raise InvalidValueError("train_fraction", value, "a fraction written as text, such as '1/27'") from None


TrainFraction = Annotated[Fraction, BeforeValidator(_fraction), Field(gt=0, le=1)]


class FidelitySettings(BaseModel):
    """A fidelity in the configuration.

    Attributes:
        train_fraction: Written as text, ``1/27``.
        epochs: Passes over this share.
        width: Multiplier of the channels, in (0, 1].
        distillation: Name of a distillation recipe.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    train_fraction: TrainFraction
    epochs: PositiveInt
    width: Annotated[float, Field(gt=0, le=1)]
    distillation: str

    @property
    def value(self) -> Fidelity:
        """The fidelity itself."""
        return Fidelity(self.train_fraction, self.epochs, self.width, self.distillation)


def _one_or_more(value: Any) -> Any:
    """A single value on the command line stands for a list of one."""
    return (value,) if isinstance(value, (str, float, int)) else value


class Schedule(BaseModel):
    """A share of the training images, and how often it is passed over.

    Attributes:
        train_fraction: Written as text, ``1/27``.
        epochs: Passes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    train_fraction: TrainFraction
    epochs: PositiveInt


class FidelityGrid(BaseModel):
    """A grid: every schedule with every width and every distillation.

    Attributes:
        schedules: Shares and passes.
        widths: Multipliers of the channels, each in (0, 1].
        distillation: Names of distillation recipes; one name stands for a list of one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schedules: Annotated[tuple[Schedule, ...], Field(min_length=1)]
    widths: Annotated[
        tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1), BeforeValidator(_one_or_more)
    ]
    distillation: Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_one_or_more)]

    @property
    def values(self) -> tuple[Fidelity, ...]:
        """All combinations, each once; those with fewer passes over the images first."""
        grid = product(self.schedules, self.widths, self.distillation)
        found = (Fidelity(schedule.train_fraction, schedule.epochs, width, name) for schedule, width, name in grid)
        return tuple(sorted(dict.fromkeys(found), key=lambda fidelity: (fidelity.image_passes, fidelity.width)))
