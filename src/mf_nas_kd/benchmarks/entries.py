"""Entries of a benchmark: which strategy runs with which low fidelities and options, on the tasks of a table."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveFloat, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from mf_nas_kd.benchmarks.fronts import FrontRun, TrueFront, with_front
from mf_nas_kd.benchmarks.replay import ReplayTask, replay_tasks
from mf_nas_kd.benchmarks.replays import BenchmarkRun
from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.records.fidelity import Fidelity, FidelityFilter
from mf_nas_kd.registry import NameIn, Options
from mf_nas_kd.search import STRATEGIES, Budget
from mf_nas_kd.search.budget import UNLIMITED
from mf_nas_kd.search.front_objective import ACCURACY_OBJECTIVE, FrontCost, Objective
from mf_nas_kd.statistics.proxies import NAMES

logger = logging.getLogger(__name__)

FEWEST_CANDIDATES = 3  # with fewer there is nothing to search


class FrontParameters(BaseModel):
    """How searches for a Pareto front are replayed.

    Attributes:
        cost: The cost that stands against the score.
        budget_factor: Budget of a search without another limit, in units of the cost of the high-fidelity evaluations
            of the true front's members. With 2, half the budget is what they cost: who knew them would have the whole
            front by then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cost: FrontCost
    budget_factor: PositiveFloat


class Entry(BaseModel):
    """A strategy that takes part in the benchmark.

    Attributes:
        strategy: A name in ``search.STRATEGIES``.
        low: Low fidelities that it may use; null for all of the table, ``none`` for none.
        options: Those options that differ from the strategy's in ``strategies``.
        proxies: Zero-cost proxies that its models see beside MACs and parameters; on tables without them it is left
            out.
        continuation: Whether paused trainings are continued, or every training begins from scratch; with either, it is
            left out on tables whose trainings cannot be continued. Null, for all tables, continues what can be.
        objective: ``accuracy`` for the candidate with the best score, ``front`` for the Pareto front of score and a
            cost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Annotated[str, NameIn(STRATEGIES, "benchmark's strategy")]
    low: FidelityFilter | Literal["none"] | None
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    proxies: tuple[Annotated[str, NameIn(NAMES, "benchmark's proxies")], ...] = ()
    continuation: bool | None = None
    objective: Objective = ACCURACY_OBJECTIVE

    @model_validator(mode="after")
    def _options_are_known(self) -> Entry:
        try:
            STRATEGIES[self.strategy].Options.model_validate(self.options)
        except ValidationError as failure:
            wrong = [
                InitErrorDetails(
                    type=error["type"], loc=("options", *error["loc"]), input=error["input"], ctx=error.get("ctx", {})
                )
                for error in failure.errors()
                if error["type"] != "missing"
            ]
            if wrong:
                raise ValidationError.from_exception_data(failure.title, wrong) from None
        return self

    @model_validator(mode="after")
    def _strategy_has_the_objective(self) -> Entry:
        able = STRATEGIES[self.strategy].objectives
        if self.objective not in able:
            raise ValueError(
                f"objective is {self.objective}, but {self.strategy} searches for {' or '.join(able)} only"
            )
        return self

    def low_fidelities(self, table: BenchmarkTable) -> tuple[Fidelity, ...]:
        """The low fidelities of a table that this strategy may use; the cheapest one if the table has none of those."""
        if self.low == "none":
            return ()
        allowed = tuple(fidelity for fidelity in table.low if self.low is None or self.low.allows(fidelity))
        return allowed or table.low[:1]


def benchmark_runs(
    table: BenchmarkTable,
    entries: Mapping[str, Entry],
    options: Mapping[str, Options],
    macs_quantiles: Mapping[str, float],
    budget: Budget,
    target_accuracy_points: float,
) -> list[BenchmarkRun]:
    """Benchmark runs of all entries on all tasks of a table; a task with fewer than 3 candidates is left out.

    Args:
        table: The finished study.
        entries: Strategies by their names in the results.
        options: Validated options of each entry.
        macs_quantiles: Limit of each task, see :func:`mf_nas_kd.benchmarks.replay.replay_tasks`.
        budget: Budget of each search.
        target_accuracy_points: Distance of the target from the best validation accuracy, in percentage points.
    """
    entries = _possible(table, entries)
    lows = {name: entry.low_fidelities(table) for name, entry in entries.items()}
    _warn_of_replaced(table, entries, lows)
    runs = []
    for task_name, task in _large_enough(table, replay_tasks(table, macs_quantiles)).items():
        kinds = {(lows[name], entry.proxies, entry.continuation) for name, entry in entries.items()}
        restricted = {kind: _restricted(task, *kind) for kind in kinds}
        runs += [
            BenchmarkRun(
                label={"dataset": table.dataset, "space": table.space, "task": task_name, "strategy": name},
                task=restricted[lows[name], entry.proxies, entry.continuation],
                strategy=entry.strategy,
                options=options[name],
                budget=budget,
                target_accuracy_points=target_accuracy_points,
            )
            for name, entry in entries.items()
        ]
    return runs


def _possible(table: BenchmarkTable, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries without those about continuation, where a table's trainings cannot be continued."""
    return {name: each for name, each in entries.items() if table.continuation or each.continuation is None}


def _restricted(
    task: ReplayTask, low: tuple[Fidelity, ...], proxies: tuple[str, ...], continuation: bool | None
) -> ReplayTask:
    restricted = task.with_low(low, proxies)
    return restricted.without_continuation() if continuation is False else restricted


def front_runs(
    table: BenchmarkTable,
    entries: Mapping[str, Entry],
    options: Mapping[str, Options],
    macs_quantiles: Mapping[str, float],
    budget: Budget,
    front: FrontParameters,
) -> list[FrontRun]:
    """Runs of the entries that search for a front, on all tasks of a table; see :func:`benchmark_runs`.

    Args:
        table: The finished study.
        entries: Strategies by their names in the results.
        options: Validated options of each entry.
        macs_quantiles: Limit of each task.
        budget: Budget of each search; without a limit in seconds, it follows from the task's true front.
        front: The cost, and the budget in units of the cost of the true front.

    Raises:
        InvalidValueError: If the table does not have the cost.
    """
    entries = _possible(table, entries)
    if not entries:
        return []
    lows = {name: entry.low_fidelities(table) for name, entry in entries.items()}
    _warn_of_replaced(table, entries, lows)
    runs = []
    for task_name, task in _large_enough(table, replay_tasks(table, macs_quantiles)).items():
        of_front = with_front(task, table, front.cost)
        seconds = (
            front.budget_factor * TrueFront.of(of_front).seconds
            if budget.seconds == UNLIMITED.seconds
            else budget.seconds
        )
        runs += [
            FrontRun(
                label={"dataset": table.dataset, "space": table.space, "task": task_name, "strategy": name},
                task=_restricted(of_front, lows[name], entry.proxies, entry.continuation),
                strategy=entry.strategy,
                options=options[name],
                budget=Budget(seconds, budget.evaluations),
            )
            for name, entry in entries.items()
        ]
    return runs


def _large_enough(table: BenchmarkTable, tasks: Mapping[str, ReplayTask]) -> dict[str, ReplayTask]:
    counts = {name: len(task.problem.candidates) for name, task in tasks.items()}
    for name, count in counts.items():
        if count < FEWEST_CANDIDATES:
            logger.warning("%s, task %s: left out, because it has only %d candidates", table.name, name, count)
    return {name: task for name, task in tasks.items() if counts[name] >= FEWEST_CANDIDATES}


def _warn_of_replaced(
    table: BenchmarkTable, entries: Mapping[str, Entry], lows: Mapping[str, tuple[Fidelity, ...]]
) -> None:
    for name, entry in entries.items():
        if isinstance(entry.low, FidelityFilter) and not all(entry.low.allows(fidelity) for fidelity in lows[name]):
            message = "%s: the table has none of the low fidelities of %s, which uses the cheapest one instead: %s"
            logger.warning(message, table.name, name, lows[name][0])
