"""A search replayed on a finished study: every answer is known, only the strategy's choices are new."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.loop import search_steps
from mf_nas_kd.search.problem import Candidate, SearchProblem
from mf_nas_kd.search.strategy import Proposal, Strategy
from mf_nas_kd.spaces import Architecture, enclosing_space

UNLIMITED = Budget(math.inf, sys.maxsize)
ROUNDING = 1e-9  # accuracies of tables have few digits, their differences have not


@dataclass(frozen=True)
class ReplayTask:
    """A search problem, and what every proposal would give.

    Attributes:
        problem: Candidates and fidelities; one proposal at a time.
        answers: What is known, by fidelity and architecture, as observations of step 0.
        test_accuracies: What the candidates are worth, by architecture: test accuracy at the table's ``truth``.
    """

    problem: SearchProblem
    answers: Mapping[Fidelity, Mapping[str, Observation]]
    test_accuracies: Mapping[str, float]

    def with_low(self, low: tuple[Fidelity, ...]) -> ReplayTask:
        """The same candidates, of whose cheap fidelities only some may be used."""
        return replace(self, problem=replace(self.problem, low=low))

    def evaluate(self, proposals: Sequence[Proposal]) -> list[Observation]:
        """Look up what the proposals give."""
        return [self.answers[proposal.fidelity][proposal.candidate.id] for proposal in proposals]

    @cached_property
    def best_accuracy(self) -> float:
        """The highest validation accuracy at the searched fidelity."""
        answers = self.answers[self.problem.full]
        return max(answers[candidate.id].val_accuracy for candidate in self.problem.candidates)


@dataclass(frozen=True)
class Replay:
    """How a replayed search went. Costs count low- and high-fidelity evaluations alike.

    Attributes:
        cost_to_target_seconds: Spent until a candidate near the best was evaluated at the searched fidelity, this
            evaluation included; not-a-number if that never happened.
        cost_to_best_seconds: Likewise, until the best one was.
        high_fidelity_evaluations: At the searched fidelity, until the end.
        low_fidelity_evaluations: At others.
        proposal_seconds: Mean time of the strategy's own thinking a proposal, wall time.
        spent_seconds: Sum of all costs.
        recommended_test_accuracy: Of the candidate that the strategy recommends at the end, in [0, 1]; not-a-number if
            it recommends none.
        trace: ``(cumulative cost in seconds, regret in percentage points)`` whenever the incumbent changed, and at the
            end. Regret is what the incumbent's validation accuracy lacks to that of the best candidate.
    """

    cost_to_target_seconds: float
    cost_to_best_seconds: float
    high_fidelity_evaluations: int
    low_fidelity_evaluations: int
    proposal_seconds: float
    spent_seconds: float
    recommended_test_accuracy: float
    trace: tuple[tuple[float, float], ...]


def replay_tasks(table: BenchmarkTable, macs_quantiles: Mapping[str, float]) -> dict[str, ReplayTask]:
    """The searches of a table: find the best candidate of those within a limit on multiply-accumulates.

    Args:
        table: The finished study.
        macs_quantiles: The limit of each task, as a quantile of the candidates' multiply-accumulates in [0, 1]; 1 for
            all candidates.

    Returns:
        By the names of the tasks.
    """
    rows = list(table.candidates.itertuples())
    architectures = [Architecture(row.space, row.architecture) for row in rows]
    space = enclosing_space(architectures)
    candidates = [
        Candidate(architecture, space.encode(architecture), int(row.macs), int(row.params))
        for architecture, row in zip(architectures, rows, strict=True)
    ]
    macs = {candidate.id: candidate.macs for candidate in candidates}
    answers = {fidelity: _answers(table, fidelity, macs) for fidelity in (table.searched, *table.low)}
    truth = table.at(table.truth)
    test_accuracies = dict(zip(truth["architecture_id"], truth["test_accuracy"].astype(float), strict=True))
    limits = {name: np.quantile(list(macs.values()), quantile) for name, quantile in macs_quantiles.items()}
    return {
        name: ReplayTask(
            SearchProblem(
                candidates=tuple(candidate for candidate in candidates if candidate.macs <= limit),
                full=table.searched,
                low=table.low,
                proposals_at_a_time=1,
                neighbours=space.neighbours,
            ),
            answers,
            test_accuracies,
        )
        for name, limit in limits.items()
    }


def replay(task: ReplayTask, strategy: Strategy, budget: Budget, seed: int, target_accuracy_points: float) -> Replay:
    """Search until the best candidate has been evaluated at the searched fidelity.

    Or until the strategy stops, or the budget does not afford what it wants.

    Args:
        task: The problem and its answers.
        strategy: Built for the problem.
        budget: What may be spent; see ``UNLIMITED``.
        seed: Of the strategy's random choices.
        target_accuracy_points: How near to the best validation accuracy the target is, in percentage points.
    """
    full = task.problem.full
    history, thinking = History(), []
    for step in search_steps(strategy, History(), budget, task.evaluate, seed):
        history = step.history
        thinking.append(step.proposal_seconds)
        if step.proposal.fidelity == full and step.answer.val_accuracy >= task.best_accuracy:
            break
    high = np.array([seen.fidelity == full for seen in history], dtype=bool)
    costs = np.cumsum([seen.cost_seconds for seen in history])
    found = np.array([seen.val_accuracy if seen.fidelity == full else -math.inf for seen in history])
    incumbent = np.maximum.accumulate(found)
    recommended = _recommended(strategy, history)
    return Replay(
        cost_to_target_seconds=_cost_to(task.best_accuracy - target_accuracy_points / 100 - ROUNDING, incumbent, costs),
        cost_to_best_seconds=_cost_to(task.best_accuracy, incumbent, costs),
        high_fidelity_evaluations=int(high.sum()),
        low_fidelity_evaluations=int((~high).sum()),
        proposal_seconds=float(np.mean(thinking)) if thinking else math.nan,
        spent_seconds=float(costs[-1]) if len(costs) else 0.0,
        recommended_test_accuracy=math.nan if recommended is None else task.test_accuracies[recommended],
        trace=_trace(task.best_accuracy, incumbent, costs),
    )


def _answers(table: BenchmarkTable, fidelity: Fidelity, macs: Mapping[str, int]) -> dict[str, Observation]:
    """What every candidate gives at a fidelity: as observations."""
    rows = table.at(fidelity).dropna(subset=["val_accuracy"]).set_index("architecture_id")
    accuracies, costs = rows["val_accuracy"].to_dict(), rows["cost_seconds"].to_dict()
    return {
        name: Observation(
            architecture_id=name,
            fidelity=fidelity,
            val_accuracy=accuracies.get(name),
            cost_seconds=costs.get(name, 0.0),
            macs=count,
            step=0,
        )
        for name, count in macs.items()
    }


def _cost_to(accuracy: float, incumbent: NDArray[np.floating], costs: NDArray[np.floating]) -> float:
    reached = np.flatnonzero(incumbent >= accuracy)
    return float(costs[reached[0]]) if len(reached) else math.nan


def _trace(
    best: float, incumbent: NDArray[np.floating], costs: NDArray[np.floating]
) -> tuple[tuple[float, float], ...]:
    changed = incumbent > np.concatenate([[-math.inf], incumbent[:-1]])
    changed[-1:] = np.isfinite(incumbent[-1:])
    return tuple(zip(costs[changed].tolist(), (100 * (best - incumbent[changed])).tolist(), strict=True))


def _recommended(strategy: Strategy, history: History) -> str | None:
    """What the strategy recommends, or what it has found."""
    best = history.best(strategy.problem.full, strategy.problem.by_id)
    return strategy.recommend(history) or (best[0] if best is not None else None)
