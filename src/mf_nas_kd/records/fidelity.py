"""How much a training spends: a vector, not a level."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.fields import Record, Role, column, column_names

LARGEST_DENOMINATOR = 1_000_000
"""Larger denominators of fractions do not survive the floating-point column of a table."""


def _fraction_of_column(value: float) -> Fraction:
    return Fraction(value).limit_denominator(LARGEST_DENOMINATOR)


@dataclass(frozen=True)
class Fidelity(Record):
    """What a training of an architecture spends.

    >>> fidelity = Fidelity(Fraction(1, 27), epochs=20, distillation="kd")
    >>> str(fidelity)
    '1/27 of the images, 20 epochs, kd'
    >>> Fidelity.from_row(fidelity.to_row()) == fidelity
    True

    Attributes:
        train_fraction: Training-set fraction, in (0, 1], with a denominator of at most ``LARGEST_DENOMINATOR``.
        epochs: Number of passes over this fraction, at least 1.
        width: Multiplier of the network's channels, in (0, 1].
        distillation: Name of a distillation configuration; ``none`` for plain cross-entropy.

    Raises:
        InvalidValueError: If a value is out of its range.
    """

    train_fraction: Fraction = column(
        Role.FIDELITY, "training images", stored_as=float, encode=float, decode=_fraction_of_column
    )
    epochs: int = column(Role.FIDELITY, "epochs")
    width: float = column(Role.FIDELITY, "channels", default=1.0)
    distillation: str = column(Role.FIDELITY, default="none")

    def __post_init__(self) -> None:
        if not 0 < self.train_fraction <= 1:
            raise InvalidValueError("train_fraction", str(self.train_fraction), "in (0, 1]")
        if self.train_fraction.denominator > LARGEST_DENOMINATOR:
            allowed = f"a fraction with a denominator of at most {LARGEST_DENOMINATOR:,}"
            raise InvalidValueError("train_fraction", str(self.train_fraction), allowed)
        if self.epochs < 1:
            raise InvalidValueError("epochs", self.epochs, "at least 1")
        if not 0 < self.width <= 1:
            raise InvalidValueError("width", self.width, "in (0, 1]")

    @property
    def image_passes(self) -> Fraction:
        """Passes over the whole training set that cost as much: the first guess of a relative cost."""
        return self.train_fraction * self.epochs

    @property
    def relative_cost(self) -> float:
        """First guess of the cost of a training, in passes of the full network over all training images.

        The cost of a network is taken to go with the square of its width.
        """
        return float(self.image_passes) * self.width**2

    @property
    def reductions(self) -> tuple[str, ...]:
        """What is reduced beside the training set and the epochs, in words: ``("width 0.5",)``."""
        return (f"width {self.width:g}",) if self.width != 1 else ()

    @property
    def method(self) -> str:
        """Distillation configuration and reductions: what differs between fidelities of one schedule."""
        return ", ".join((self.distillation, *self.reductions))

    def __str__(self) -> str:
        images = "all images" if self.train_fraction == 1 else f"{self.train_fraction} of the images"
        return ", ".join((images, f"{self.epochs} epochs", *self.reductions, self.distillation))


FIDELITY_COLUMNS = column_names(Fidelity)
"""Names of the columns of a fidelity in every table."""


def _fraction(value: Any) -> Fraction:
    """Accepts 1/27 as text, an integer or a fraction; a rounded decimal is not one of the nested subsets."""
    if isinstance(value, float) and value != int(value):
        raise InvalidValueError("train_fraction", value, "a fraction written as text, such as '1/27'")
    try:
        return Fraction(value)
    except (TypeError, ValueError, ZeroDivisionError):
        raise InvalidValueError("train_fraction", value, "a fraction written as text, such as '1/27'") from None


def _survives_tables(fraction: Fraction) -> Fraction:
    if fraction.denominator > LARGEST_DENOMINATOR:
        allowed = f"a fraction with a denominator of at most {LARGEST_DENOMINATOR:,}"
        raise InvalidValueError("train_fraction", str(fraction), allowed)
    return fraction


TrainFraction = Annotated[Fraction, BeforeValidator(_fraction), Field(gt=0, le=1), AfterValidator(_survives_tables)]


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
