"""Replay of a search for a Pareto front on a finished study, measured by the hypervolume of what it has found.

The hypervolume is that of the finished high-fidelity evaluations, score against the natural logarithm of a cost,
relative to that of the task's true front, which has all candidates. Its reference point is the same for all strategies:
a tenth of the range beyond the largest log cost and below the lowest score of the task's candidates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mf_nas_kd.benchmarks.replay import ReplayTask, naming_replay
from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.registry import Options
from mf_nas_kd.search import build_strategy
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.front_objective import FrontObjective
from mf_nas_kd.search.history import History
from mf_nas_kd.search.hypervolume import Array, ReferencePoint, Staircase
from mf_nas_kd.search.problem import SearchProblem

COMPLETE = 1 - 1e-9  # relative hypervolume at which a search ends; sums of it have rounding errors


@dataclass(frozen=True)
class FrontReplay:
    """Outcome of a replayed search for a front. Hypervolumes are relative to that of the true front, in [0, 1].

    Attributes:
        hypervolume_half: Hypervolume after half the budget.
        hypervolume_end: Hypervolume after the budget.
        cost_to_front_seconds: Cost until every member of the true front was evaluated; not-a-number if that never
            happened.
        high_fidelity_evaluations: Number of evaluations at the target fidelity.
        low_fidelity_evaluations: Number of evaluations at other fidelities.
        proposal_seconds: Mean wall time of a ``propose`` call, in seconds.
        spent_seconds: Sum of all costs, in seconds.
        trace: ``(cumulative cost in seconds, hypervolume)`` after each evaluation that raised it.
    """

    hypervolume_half: float
    hypervolume_end: float
    cost_to_front_seconds: float
    high_fidelity_evaluations: int
    low_fidelity_evaluations: int
    proposal_seconds: float
    spent_seconds: float
    trace: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class TrueFront:
    """The front of all candidates of a task.

    Attributes:
        reference: The reference point of all hypervolumes of the task.
        hypervolume: Hypervolume of the true front, score times log cost.
        seconds: Cost of the high-fidelity evaluations of its members.
    """

    reference: ReferencePoint
    hypervolume: float
    seconds: float

    @classmethod
    def of(cls, task: ReplayTask) -> TrueFront:
        """The true front of a task with an objective."""
        full = task.results[task.problem.full]
        finished = {name: full[name] for name in task.problem.by_id if full[name].score is not None}
        log_costs, scores = _points(task.problem, {name: each.score for name, each in finished.items()})
        reference = ReferencePoint.beyond(log_costs, scores)
        front = Staircase.of(log_costs, scores, reference)
        members = set(zip(front.edges[1:-1].tolist(), front.levels[1:].tolist(), strict=True))
        points = zip(log_costs.tolist(), scores.tolist(), strict=True)
        seconds = {
            point: each.cost_seconds for point, each in zip(points, finished.values(), strict=True) if point in members
        }
        return cls(reference, front.hypervolume, sum(seconds.values()))

    def share(self, problem: SearchProblem, history: History) -> float:
        """Hypervolume of the finished high-fidelity evaluations of a history, relative to that of the true front."""
        found = _points(problem, history.scores(problem.full, problem.by_id))
        return Staircase.of(*found, self.reference).hypervolume / self.hypervolume


def with_front(task: ReplayTask, table: BenchmarkTable, cost: str) -> ReplayTask:
    """The same task, with the front of score against a cost as its objective.

    Args:
        task: A task of the table.
        table: The finished study.
        cost: One of ``FRONT_COSTS``.

    Raises:
        InvalidValueError: If the table does not have the cost of every candidate.
    """
    if cost not in table.candidates:
        known = " or ".join(name for name in ("macs", "params") if name in table.candidates)
        raise InvalidValueError("benchmark.front.cost", cost, f"measured in the table {table.name}, which has {known}")
    values = dict(zip(table.candidates["architecture_id"], table.candidates[cost].astype(float), strict=True))
    return replace(task, problem=replace(task.problem, objective=FrontObjective(cost, values)))


@dataclass(frozen=True)
class FrontRun:
    """A strategy on a task with a front, to be replayed with several seeds.

    Attributes:
        label: First columns of the rows of its results: ``dataset``, ``space``, ``task``, ``strategy``.
        task: The problem with its objective, and the results of all evaluations.
        strategy: A name in ``STRATEGIES``.
        options: Validated options of the strategy.
        budget: Budget of each search.
    """

    label: Mapping[str, str]
    task: ReplayTask
    strategy: str
    options: Options
    budget: Budget

    def replay(self, seed: int) -> FrontReplay:
        """Replay one search; an error is annotated with label and seed."""
        with naming_replay(self.label, seed):
            return self._replayed(seed)

    def _replayed(self, seed: int) -> FrontReplay:
        problem, front = self.task.problem, TrueFront.of(self.task)
        strategy = build_strategy(self.strategy, problem, self.options)
        history, trace, proposal_seconds = History(), [(0.0, 0.0)], []
        for step in self.task.steps(strategy, self.budget, seed):
            history = step.history
            proposal_seconds.append(step.proposal_seconds)
            share = front.share(problem, history)
            if share > trace[-1][1]:
                trace.append((step.spent_seconds, share))
            if share >= COMPLETE:
                break
        high = sum(seen.fidelity == problem.full for seen in history)
        return FrontReplay(
            hypervolume_half=max(share for seconds, share in trace if seconds <= self.budget.seconds / 2),
            hypervolume_end=trace[-1][1],
            cost_to_front_seconds=trace[-1][0] if trace[-1][1] >= COMPLETE else math.nan,
            high_fidelity_evaluations=high,
            low_fidelity_evaluations=len(history) - high,
            proposal_seconds=float(np.mean(proposal_seconds)) if proposal_seconds else math.nan,
            spent_seconds=sum(seen.charged_seconds for seen in history),
            trace=tuple(trace[1:]),
        )


def _points(problem: SearchProblem, scores: Mapping[str, float | None]) -> tuple[Array, Array]:
    """Log costs and scores of candidates."""
    values = {} if problem.objective is None else problem.objective.values
    found = {name: score for name, score in scores.items() if score is not None}
    return np.log([values[name] for name in found]), np.array(list(found.values()), dtype=float)
