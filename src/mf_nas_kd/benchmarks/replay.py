"""Replay of a search on a finished study: results are looked up, only the strategy's choices are computed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.benchmarks.table import PAUSE_SECONDS, BenchmarkTable
from mf_nas_kd.records import Architecture, Costs, Fidelity
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.loop import Step, search_steps
from mf_nas_kd.search.problem import Candidate, SearchProblem
from mf_nas_kd.search.strategy import Proposal, Strategy
from mf_nas_kd.spaces import enclosing_space
from mf_nas_kd.statistics.proxies import further_proxies

ROUNDING = 1e-9  # accuracies of tables have few digits, their floating-point differences have rounding errors


@dataclass(frozen=True)
class ReplayTask:
    """A search problem, and the result of every possible evaluation.

    Attributes:
        problem: Candidates and fidelities; one proposal at a time.
        results: Results by fidelity and architecture, as observations of step 0.
        test_accuracies: Test accuracies in [0, 1] at the table's ``truth``, by architecture.
    """

    problem: SearchProblem
    results: Mapping[Fidelity, Mapping[str, Observation]]
    test_accuracies: Mapping[str, float]

    def with_low(self, low: tuple[Fidelity, ...], proxies: tuple[str, ...] = ()) -> ReplayTask:
        """The same task with other low fidelities, and with proxies that models see beside MACs and parameters."""
        return replace(self, problem=replace(self.problem, low=low, proxies=proxies))

    def without_continuation(self) -> ReplayTask:
        """The same task, in which every training begins from scratch."""
        return replace(self, problem=replace(self.problem, continuation=False))

    def steps(self, strategy: Strategy, budget: Budget, seed: int) -> Iterator[Step[Observation]]:
        """Steps of a replayed search, see :func:`.search_steps`; trainings reuse earlier ones of the search.

        Args:
            strategy: A strategy that was built for the problem.
            budget: Limit of the costs and of the number of evaluations.
            seed: Seed of the strategy's random choices.
        """
        history = History()

        def evaluate(proposals: Sequence[Proposal]) -> list[Observation]:
            return [self._result(proposal, history) for proposal in proposals]

        for step in search_steps(strategy, history, budget, evaluate, seed):
            history = step.history
            yield step

    def _result(self, proposal: Proposal, history: History) -> Observation:
        found = self.results[proposal.fidelity][proposal.candidate.id]
        saved = history.saved_seconds(found.architecture_id, found.fidelity)
        return replace(found, reused_seconds=min(saved, found.cost_seconds))

    @cached_property
    def best_accuracy(self) -> float:
        """The highest validation accuracy of the candidates at the target fidelity, in [0, 1]."""
        results = self.results[self.problem.full]
        accuracies = (results[candidate.id].score for candidate in self.problem.candidates)
        return max(accuracy for accuracy in accuracies if accuracy is not None)


@dataclass(frozen=True)
class Replay:
    """Outcome of a replayed search. Costs are those of low- and high-fidelity evaluations, without what was reused.

    Attributes:
        cost_to_target_seconds: Cost until a candidate near the best one was evaluated at the target fidelity, this
            evaluation included; not-a-number if that never happened.
        cost_to_best_seconds: Likewise, until the best candidate was.
        high_fidelity_evaluations: Number of evaluations at the target fidelity.
        low_fidelity_evaluations: Number of evaluations at other fidelities.
        proposal_seconds: Mean wall time of a ``propose`` call, in seconds.
        spent_seconds: Sum of all costs, in seconds.
        recommended_test_accuracy: Test accuracy of the candidate that the strategy recommends at the end, in [0, 1];
            not-a-number if it recommends none.
        trace: ``(cumulative cost in seconds, regret in percentage points)`` whenever the incumbent changed, and at the
            end. Regret is the validation accuracy of the best candidate minus that of the incumbent.
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
    """Search tasks of a table: find the best candidate within a limit on MACs.

    Args:
        table: The finished study.
        macs_quantiles: The limit of each task, as a quantile of the candidates' MACs in [0, 1]; 1 for
            all candidates.

    Returns:
        The tasks by their names.
    """
    architectures = records_of(table.candidates, Architecture)
    space = enclosing_space(architectures)
    proxies, costs = further_proxies(table.candidates), records_of(table.candidates, Costs)
    candidates = [
        Candidate(each, space.encode(each), costs[row], {name: float(values[row]) for name, values in proxies.items()})
        for row, each in enumerate(architectures)
    ]
    macs_of = {candidate.id: candidate.macs for candidate in candidates}
    results = {fidelity: _results(table, fidelity, macs_of) for fidelity in (table.searched, *table.low)}
    truth = table.at(table.truth)
    test_accuracies = dict(zip(truth["architecture_id"], truth[table.metric.test].astype(float), strict=True))
    limits = {name: np.quantile(list(macs_of.values()), quantile) for name, quantile in macs_quantiles.items()}
    return {
        name: ReplayTask(
            SearchProblem(
                candidates=tuple(candidate for candidate in candidates if candidate.macs <= limit),
                full=table.searched,
                low=table.low,
                proposals_at_a_time=1,
                neighbours=space.neighbours,
                metric=table.metric,
                continuation=table.continuation,
            ),
            results,
            test_accuracies,
        )
        for name, limit in limits.items()
    }


@contextmanager
def naming_replay(label: Mapping[str, str], seed: int) -> Iterator[None]:
    """Context manager that annotates an error of the block with label and seed of a replay."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the replay of {', '.join(label.values())}, seed {seed}")
        raise


def replay(task: ReplayTask, strategy: Strategy, budget: Budget, seed: int, target_accuracy_points: float) -> Replay:
    """Run a search until the best candidate has been evaluated at the target fidelity.

    It also ends when the strategy makes no proposal, or the budget does not afford it.

    Args:
        task: The problem and the results of all evaluations.
        strategy: A strategy that was built for the problem.
        budget: Limit of the costs and of the number of evaluations; see ``UNLIMITED``.
        seed: Seed of the strategy's random choices.
        target_accuracy_points: Distance of the target from the best validation accuracy, in percentage points.
    """
    full = task.problem.full
    history, proposal_seconds = History(), []
    for step in task.steps(strategy, budget, seed):
        history = step.history
        proposal_seconds.append(step.proposal_seconds)
        accuracy = step.result.score
        if step.proposal.fidelity == full and accuracy is not None and accuracy >= task.best_accuracy:
            break
    high = np.array([seen.fidelity == full for seen in history], dtype=bool)
    costs = np.cumsum([seen.charged_seconds for seen in history])
    found = np.array([seen.score if seen.fidelity == full else -math.inf for seen in history])
    incumbent = np.maximum.accumulate(found)
    recommended = _recommended(strategy, history)
    return Replay(
        cost_to_target_seconds=_cost_to(task.best_accuracy - target_accuracy_points / 100 - ROUNDING, incumbent, costs),
        cost_to_best_seconds=_cost_to(task.best_accuracy, incumbent, costs),
        high_fidelity_evaluations=int(high.sum()),
        low_fidelity_evaluations=int((~high).sum()),
        proposal_seconds=float(np.mean(proposal_seconds)) if proposal_seconds else math.nan,
        spent_seconds=float(costs[-1]) if len(costs) else 0.0,
        recommended_test_accuracy=math.nan if recommended is None else task.test_accuracies[recommended],
        trace=_trace(task.best_accuracy, incumbent, costs),
    )


def _results(table: BenchmarkTable, fidelity: Fidelity, macs: Mapping[str, int]) -> dict[str, Observation]:
    """Observation of every candidate at a fidelity; a candidate without one counts as failed, at no cost."""
    score = table.metric.validation
    rows = table.at(fidelity).dropna(subset=[score]).set_index("architecture_id")
    scores, costs = rows[score].to_dict(), rows["cost_seconds"].to_dict()
    pauses = rows[PAUSE_SECONDS].dropna().to_dict()
    return {
        name: Observation(
            architecture_id=name,
            fidelity=fidelity,
            score=scores.get(name),
            cost_seconds=costs.get(name, 0.0),
            macs=count,
            step=0,
            pause_seconds=pauses.get(name),
        )
        for name, count in macs.items()
    }


def _cost_to(accuracy: float, incumbent: NDArray[np.float64], costs: NDArray[np.float64]) -> float:
    reached = np.flatnonzero(incumbent >= accuracy)
    return float(costs[reached[0]]) if len(reached) else math.nan


def _trace(best: float, incumbent: NDArray[np.float64], costs: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    changed = incumbent > np.concatenate([[-math.inf], incumbent[:-1]])
    changed[-1:] = np.isfinite(incumbent[-1:])
    return tuple(zip(costs[changed].tolist(), (100 * (best - incumbent[changed])).tolist(), strict=True))


def _recommended(strategy: Strategy, history: History) -> str | None:
    """The candidate that the strategy recommends, or the best one that it has found."""
    best = history.best(strategy.problem.full, strategy.problem.by_id)
    return strategy.recommend(history) or (best[0] if best is not None else None)
