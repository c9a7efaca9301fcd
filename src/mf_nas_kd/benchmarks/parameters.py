"""Parameters of replayed searches: of the pipeline ``benchmark``, and of the savings on a study itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from mf_nas_kd.benchmarks.entries import Entry, FrontParameters
from mf_nas_kd.registry import Options
from mf_nas_kd.search import STRATEGIES, Budget, StrategySettings
from mf_nas_kd.search.budget import UNLIMITED


class SavingsEntries(BaseModel):
    """Entries that are compared on a study itself, by their names in ``benchmark.strategies``.

    Attributes:
        with_low_fidelities: A strategy with the study's low fidelities.
        without_low_fidelities: The same strategy without any.
        zero_cost_orders: Orders by a zero-cost proxy; the one with the lower cost stands beside the two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    with_low_fidelities: str
    without_low_fidelities: str
    zero_cost_orders: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Names of all entries that are compared."""
        return (self.with_low_fidelities, self.without_low_fidelities, *self.zero_cost_orders)


class BenchmarkParameters(BaseModel):
    """Searches that are replayed on the tables of finished studies.

    Attributes:
        seeds: Number of searches of each strategy on each task.
        target_accuracy_points: Distance of the target from the best validation accuracy, in percentage points.
        tasks: Limit of each task, as a quantile of the candidates' MACs in (0, 1], by the task's name; null leaves the
            task out.
        budget_seconds: Limit of the costs of a search, in seconds of training; null for no limit.
        budget_evaluations: Limit of the number of evaluations of a search, low- and high-fidelity ones alike; null for
            no limit.
        workers: Number of searches that run in parallel; null for one per CPU core.
        front: How searches for a Pareto front are replayed.
        savings: Which of the strategies are compared on a study itself, see :mod:`mf_nas_kd.benchmarks.savings`.
        strategies: Strategies that take part, by their names in the results; null leaves one out.
        run_baselines: Which of the baselines take part.
        baselines: Optimisers of other projects, like ``strategies``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: PositiveInt
    target_accuracy_points: NonNegativeFloat
    tasks: dict[str, Annotated[float, Field(gt=0, le=1)] | None]
    budget_seconds: PositiveFloat | None
    budget_evaluations: PositiveInt | None
    workers: PositiveInt | None
    front: FrontParameters
    savings: SavingsEntries
    strategies: dict[str, Entry | None]
    run_baselines: Literal["none", "installed", "all"]
    baselines: dict[str, Entry | None]

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
        """Strategies and baselines that are not left out."""
        named = self.strategies | (self.baselines if self.run_baselines != "none" else {})
        entries = {name: entry for name, entry in named.items() if entry is not None}
        if self.run_baselines != "installed":
            return entries
        missing = {n for n in self.baselines if n in entries and not STRATEGIES[entries[n].strategy].is_installed()}
        return {name: entry for name, entry in entries.items() if name not in missing}

    def options_of(self, strategies: StrategySettings) -> dict[str, Options]:
        """Validated options of each entry: those of its strategy in ``strategies``, with the entry's own changes.

        Raises:
            UnknownNameError: If a strategy has no options.
            pydantic.ValidationError: If the options of an entry contradict each other.
        """
        return {name: strategies.options_of(entry.strategy, entry.options) for name, entry in self.entries.items()}
