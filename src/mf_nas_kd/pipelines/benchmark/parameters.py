"""Parameters of the pipeline ``benchmark``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails

from mf_nas_kd.benchmarks.replay import UNLIMITED
from mf_nas_kd.records.fidelity import FidelityFilter
from mf_nas_kd.registry import NameIn, Options
from mf_nas_kd.search import STRATEGIES, Budget, StrategySettings


class Entry(BaseModel):
    """A strategy that takes part.

    Attributes:
        strategy: A name in ``search.STRATEGIES``.
        low: Low fidelities that it may use; null for all of the table, ``none`` for none.
        options: Those options that differ from the strategy's in ``strategies``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Annotated[str, NameIn(STRATEGIES, "benchmark's strategy")]
    low: FidelityFilter | Literal["none"] | None
    options: Mapping[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _options_are_known(self) -> Entry:
        try:
            STRATEGIES[self.strategy].Options.model_validate(self.options)
        except ValidationError as failure:
            wrong = [
                InitErrorDetails(type=error["type"], loc=error["loc"], input=error["input"], ctx=error.get("ctx", {}))
                for error in failure.errors()
                if error["type"] != "missing"
            ]
            if wrong:
                raise ValidationError.from_exception_data(failure.title, wrong) from None
        return self


class BenchmarkParameters(BaseModel):
    """What is replayed.

    Attributes:
        seeds: Searches of each strategy on each task.
        target_accuracy_points: How near to the best validation accuracy the target is, in percentage points.
        tasks: Quantile of multiply-accumulates up to which the candidates of a task go, in (0, 1], by its name; null
            leaves the task out.
        budget_seconds: What a search may spend; null for as much as it wants.
        budget_evaluations: Likewise, low- and high-fidelity evaluations alike.
        workers: Searches at a time; null for one a CPU core.
        strategies: Who takes part, by the name in the tables; null leaves it out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: PositiveInt
    target_accuracy_points: NonNegativeFloat
    tasks: dict[str, Annotated[float, Field(gt=0, le=1)] | None]
    budget_seconds: PositiveFloat | None
    budget_evaluations: PositiveInt | None
    workers: PositiveInt | None
    strategies: dict[str, Entry | None]

    @property
    def budget(self) -> Budget:
        """Budget of each search."""
        return Budget(
            UNLIMITED.seconds if self.budget_seconds is None else self.budget_seconds,
            UNLIMITED.evaluations if self.budget_evaluations is None else self.budget_evaluations,
        )

    @property
    def macs_quantiles(self) -> dict[str, float]:
        """Quantiles of the tasks that are not left out."""
        return {name: quantile for name, quantile in self.tasks.items() if quantile is not None}

    @property
    def entries(self) -> dict[str, Entry]:
        """Strategies that are not left out."""
        return {name: entry for name, entry in self.strategies.items() if entry is not None}

    def options_of(self, strategies: StrategySettings) -> dict[str, Options]:
        """The options of each of ``entries``: those of its strategy, with what differs.

        Raises:
            UnknownNameError: If a strategy has no options.
            pydantic.ValidationError: If options do not go together.
        """
        return {name: strategies.options_of(entry.strategy, entry.options) for name, entry in self.entries.items()}
