"""Parameters of the pipeline ``evaluation``."""

from __future__ import annotations

from itertools import product
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.evaluation import Fidelity, FidelitySettings
from mf_nas_kd.evaluation.fidelity import TrainFraction


class CandidatesParameters(BaseModel):
    """The sample on which short trainings are judged.

    Attributes:
        count: Architectures; the intervals of the correlations shrink with its square root.
        seed: Of the sample.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: Annotated[int, Field(ge=4)]
    seed: int


class Schedule(BaseModel):
    """A share of the training images, and how often it is passed over.

    Attributes:
        train_fraction: Written as text, ``1/27``.
        epochs: Passes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    train_fraction: TrainFraction
    epochs: PositiveInt


class LowFidelities(BaseModel):
    """A grid: every schedule with every width and every distillation.

    Attributes:
        schedules: Shares and passes.
        widths: Multipliers of the channels, each in (0, 1].
        distillation: Names of distillation recipes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schedules: Annotated[tuple[Schedule, ...], Field(min_length=1)]
    widths: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1)]
    distillation: Annotated[tuple[str, ...], Field(min_length=1)]


class EvaluationParameters(BaseModel):
    """What every candidate is trained with.

    Attributes:
        full: The fidelity that counts.
        low: The fidelities that are judged.
        seed: Of weights, orders and views.
        retry_failed: Whether trainings that failed in an earlier run are tried again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    full: FidelitySettings
    low: LowFidelities
    seed: int
    retry_failed: bool

    @field_validator("full")
    @classmethod
    def _full_is_full(cls, full: FidelitySettings) -> FidelitySettings:
        if (full.train_fraction, full.width, full.distillation) != (1, 1, "none"):
            raise InvalidValueError("evaluation.full", str(full.value), "all images, width 1 and distillation none")
        return full

    @property
    def low_fidelities(self) -> tuple[Fidelity, ...]:
        """The grid, as values."""
        grid = product(self.low.schedules, self.low.widths, self.low.distillation)
        return tuple(Fidelity(schedule.train_fraction, schedule.epochs, width, name) for schedule, width, name in grid)
