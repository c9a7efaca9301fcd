"""How much a training spends: a vector, not a level."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, WithJsonSchema

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.fields import Record, Role, column, column_names

LARGEST_DENOMINATOR = 1_000_000
"""Larger denominators of fractions do not survive the floating-point column of a table."""

LARGEST_NUMBER = 2**31 - 1
"""Larger whole numbers do not survive every database, nor a column of floating-point numbers with missing values."""

LONGEST_NAME = 255
"""Most characters of a name in a database."""


@lru_cache(maxsize=1024)
def _fraction_of_column(value: float) -> Fraction:
    return Fraction(value).limit_denominator(LARGEST_DENOMINATOR)


@dataclass(frozen=True)
class Fidelity(Record):
    """What a training of an architecture spends.

    A further dimension is a field here and in the forms of the configuration below: :class:`FidelitySettings`,
    :class:`FidelityGrid` and :class:`FidelityFilter`.

    >>> fidelity = Fidelity(Fraction(1, 27), epochs=20, distillation="kd")
    >>> str(fidelity)
    '1/27 of the images, 20 epochs, kd'
    >>> Fidelity.from_row(fidelity.to_row()) == fidelity
    True

    Attributes:
        train_fraction: Training-set fraction, in (0, 1], with a denominator of at most ``LARGEST_DENOMINATOR``.
        epochs: Number of passes over this fraction, at least 1 and at most ``LARGEST_NUMBER``.
        width: Multiplier of the network's channels, in (0, 1].
        distillation: Name of a distillation configuration, in printable characters, at most ``LONGEST_NAME``; ``none``
            for plain cross-entropy.
        image_size: Shorter side, in pixels, of the images that the student sees; None for their own size. The teacher
            sees them at their own size.

    Raises:
        InvalidValueError: If a value is out of its range.
    """

    train_fraction: Fraction = column(
        Role.FIDELITY, "training images", stored_as=float, encode=float, decode=_fraction_of_column
    )
    epochs: int = column(Role.FIDELITY, "epochs")
    width: float = column(Role.FIDELITY, "channels", default=1.0)
    distillation: str = column(Role.FIDELITY, default="none")
    image_size: int | None = column(Role.FIDELITY, "pixels", default=None)

    def __post_init__(self) -> None:
        if not 0 < self.train_fraction <= 1:
            raise InvalidValueError("train_fraction", str(self.train_fraction), "in (0, 1]")
        if self.train_fraction.denominator > LARGEST_DENOMINATOR:
            allowed = f"a fraction with a denominator of at most {LARGEST_DENOMINATOR:,}"
            raise InvalidValueError("train_fraction", str(self.train_fraction), allowed)
        if not 1 <= self.epochs <= LARGEST_NUMBER:
            raise InvalidValueError("epochs", self.epochs, f"at least 1 and at most {LARGEST_NUMBER:,}")
        if not 0 < self.width <= 1:
            raise InvalidValueError("width", self.width, "in (0, 1]")
        if self.image_size is not None and not 1 <= self.image_size <= LARGEST_NUMBER:
            allowed = f"at least 1 pixel and at most {LARGEST_NUMBER:,}, or None for the images' own size"
            raise InvalidValueError("image_size", self.image_size, allowed)
        if not self.distillation.isprintable() or len(self.distillation) > LONGEST_NAME:
            allowed = f"a name of at most {LONGEST_NAME} printable characters"
            raise InvalidValueError("distillation", self.distillation, allowed)

    def continues(self, earlier: Fidelity) -> bool:
        """Whether a training at this fidelity goes on from one at an earlier one: it has more epochs, else it is equal.

        >>> twelve = Fidelity(Fraction(1), epochs=12)
        >>> twelve.continues(replace(twelve, epochs=6)), twelve.continues(twelve)
        (True, False)
        """
        return self.epochs > earlier.epochs and replace(self, epochs=earlier.epochs) == earlier

    @property
    def image_passes(self) -> Fraction:
        """Passes over the whole training set that cost as much: the first guess of a relative cost."""
        return self.train_fraction * self.epochs

    @property
    def relative_cost(self) -> float:
        """First guess of the cost of a training, in passes of the full network over all training images.

        The reduction of the image size is not part of it: the images' own size is not known here.
        """
        return float(self.image_passes) * self.relative_macs

    @property
    def cost_order(self) -> tuple[float, float]:
        """Sort key: the lower relative cost first, then the smaller images."""
        return self.relative_cost, math.inf if self.image_size is None else float(self.image_size)

    @property
    def relative_macs(self) -> float:
        """Fraction of an architecture's multiply-accumulates that its network has at this fidelity, in (0, 1].

        Those of a convolution go with the square of the channel multiplier.
        """
        return self.width**2

    @property
    def reductions(self) -> tuple[str, ...]:
        """What is reduced beside the training set and the epochs, in words: ``("width 0.5",)``."""
        width = (f"width {self.width:g}",) if self.width != 1 else ()
        size = (f"{self.image_size} pixels",) if self.image_size is not None else ()
        return (*width, *size)

    @property
    def method(self) -> str:
        """Distillation configuration and reductions: what differs between fidelities of one schedule."""
        return ", ".join((self.distillation, *self.reductions))

    def __str__(self) -> str:
        images = "all images" if self.train_fraction == 1 else f"{self.train_fraction} of the images"
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return ", ".join((images, epochs, *self.reductions, self.distillation))


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


TrainFraction = Annotated[
    Fraction,
    BeforeValidator(_fraction),
    Field(gt=0, le=1),
    AfterValidator(_survives_tables),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+/\d+$"}, {"const": 1}, {"const": "1"}]}),
]


Width = Annotated[float, Field(gt=0, le=1)]


def _image_size(value: Any) -> Any:
    """One message for a value that is neither; a union would give one for each of its parts."""
    if value != "own" and not (str(value).isdecimal() and int(value) > 0):
        raise InvalidValueError("the shorter side of the student's images", value, "at least 1 pixel, or own")
    return value


ImageSize = Annotated[PositiveInt | Literal["own"], BeforeValidator(_image_size)]
"""Shorter side in pixels; ``own`` for the images' own size."""


def _pixels(image_size: ImageSize) -> int | None:
    return None if image_size == "own" else image_size


class FidelitySettings(BaseModel):
    """A fidelity in the configuration.

    Attributes:
        train_fraction: Training-set fraction, written as text, ``1/27``.
        epochs: Number of passes over this fraction.
        width: Multiplier of the channels, in (0, 1].
        distillation: Name of a distillation configuration.
        image_size: Shorter side of the student's images, in pixels; ``own`` for the images' own size.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    train_fraction: TrainFraction
    epochs: PositiveInt
    width: Width
    distillation: str
    image_size: ImageSize

    @property
    def value(self) -> Fidelity:
        """The fidelity itself."""
        size = _pixels(self.image_size)
        return Fidelity(self.train_fraction, self.epochs, self.width, self.distillation, size)


def _some_are_left(named: Mapping[str, Any]) -> Mapping[str, Any]:
    if not any(named.values()):
        raise InvalidValueError("a mapping by name", dict(named), "one with at least one value that is not left out")
    return named


def _as_mapping(names: Any) -> Any:
    """One name, or a list of names, stands for exactly these."""
    listed = [names] if isinstance(names, str) else names
    return dict.fromkeys(listed, True) if isinstance(listed, (list, tuple)) else names


class Schedule(BaseModel):
    """A training-set fraction, and the number of passes over it.

    Attributes:
        train_fraction: Training-set fraction, in (0, 1], written as text, ``1/27``.
        epochs: Number of passes over this fraction, at least 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    train_fraction: TrainFraction
    epochs: PositiveInt


def _by_passes(fidelity: Fidelity) -> tuple[Fraction, float, float]:
    return (
        fidelity.image_passes,
        fidelity.width,
        math.inf if fidelity.image_size is None else float(fidelity.image_size),
    )


class FidelityGrid(BaseModel):
    """A grid of fidelities: every schedule with every width, image size and distillation configuration.

    Everything has a name, so that an environment or the command line can change or leave out a single value. Null
    leaves a value out, and so does false in ``distillation``; of each mapping, at least one must be left.

    Attributes:
        schedules: Training-set fractions and epochs, by names of your own.
        widths: Multipliers of the channels, each in (0, 1], by names of your own.
        image_sizes: Shorter sides of the student's images, in pixels, or ``own`` for the images' own size, by names of
            your own.
        distillation: Whether each distillation configuration takes part, by its name; a name or a list of names stands
            for exactly these.

    >>> grid = FidelityGrid.model_validate({
    ...     "schedules": {"third": {"train_fraction": "1/3", "epochs": 5}, "ninth": None},
    ...     "widths": {"whole": 1.0},
    ...     "image_sizes": {"own": "own"},
    ...     "distillation": {"none": True, "kd": True, "nst": False},
    ... })
    >>> [str(fidelity) for fidelity in grid.values]
    ['1/3 of the images, 5 epochs, none', '1/3 of the images, 5 epochs, kd']
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schedules: Annotated[Mapping[str, Schedule | None], AfterValidator(_some_are_left)]
    widths: Annotated[Mapping[str, Width | None], AfterValidator(_some_are_left)]
    image_sizes: Annotated[Mapping[str, ImageSize | None], AfterValidator(_some_are_left)]
    distillation: Annotated[Mapping[str, bool | None], BeforeValidator(_as_mapping), AfterValidator(_some_are_left)]

    @property
    def distillation_names(self) -> tuple[str, ...]:
        """Names of the distillation configurations that take part."""
        return tuple(name for name, takes_part in self.distillation.items() if takes_part)

    @property
    def values(self) -> tuple[Fidelity, ...]:
        """All combinations, each once; those with fewer passes over the images first."""
        schedules = [schedule for schedule in self.schedules.values() if schedule is not None]
        widths = [width for width in self.widths.values() if width is not None]
        sizes = [_pixels(size) for size in self.image_sizes.values() if size is not None]
        grid = product(schedules, widths, sizes, self.distillation_names)
        found = (Fidelity(each.train_fraction, each.epochs, width, name, size) for each, width, size, name in grid)
        return tuple(sorted(dict.fromkeys(found), key=_by_passes))


class FidelityFilter(BaseModel):
    """A condition on fidelities; what is left out may have any value.

    >>> FidelityFilter(distillation="kd").allows(Fidelity(Fraction(1, 9), epochs=12, distillation="kd"))
    True

    Attributes:
        train_fraction: Training-set fraction, written as text, ``1/27``.
        epochs: Number of passes over this fraction.
        width: Multiplier of the channels, in (0, 1].
        distillation: Name of a distillation configuration.
        image_size: Shorter side of the student's images, in pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    train_fraction: TrainFraction | None = None
    epochs: PositiveInt | None = None
    width: Width | None = None
    distillation: str | None = None
    image_size: PositiveInt | None = None

    def allows(self, fidelity: Fidelity) -> bool:
        """Whether a fidelity meets the condition."""
        return all(value is None or value == getattr(fidelity, name) for name, value in self)
