"""The search loop: ask a strategy for proposals, evaluate them, charge their cost to the budget."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pandas as pd

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest
from mf_nas_kd.records.fidelity import FIDELITY_COLUMNS, Fidelity
from mf_nas_kd.records.metrics import METRICS, Metric, Metrics
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.ending import gain_below, why_ended
from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.strategy import Proposal, Strategy, within
from mf_nas_kd.search.summary import SearchSummary, search_summary
from mf_nas_kd.seeding import numpy_generator

logger = logging.getLogger(__name__)

Result = TypeVar("Result", Evaluation, Observation)

TRACE_COLUMNS = (
    "strategy",
    "seed",
    "step",
    "architecture_id",
    *FIDELITY_COLUMNS,
    "cost_seconds",
    "cumulative_cost_seconds",
    *(metric.validation for metric in METRICS.values()),
    "incumbent_architecture_id",
    *(f"incumbent_{metric.validation}" for metric in METRICS.values()),
    "promotion_threshold",
    "reason",
)


@dataclass(frozen=True)
class SearchResult:
    """Outcome of a search.

    Attributes:
        trace: One row for each evaluation that was charged to the budget, with the columns ``TRACE_COLUMNS``.
        evaluations: Records of these evaluations.
        winner_id: The candidate with the highest score at the target fidelity.
        spent_seconds: Sum of the costs, in seconds.
        ended: Why the search ended, in a sentence without its full stop.
        summary: What low- and high-fidelity evaluations cost, and where the winner came from.
    """

    trace: pd.DataFrame
    evaluations: tuple[Evaluation, ...]
    winner_id: str
    spent_seconds: float
    ended: str
    summary: SearchSummary


@dataclass(frozen=True)
class Step(Generic[Result]):
    """One evaluation that was charged to the budget of a search.

    Attributes:
        proposal: The proposal of the strategy.
        result: The evaluation of the proposal.
        history: All observations so far; the result is the last one.
        spent_seconds: Sum of the costs so far, in seconds.
        proposal_seconds: Wall time of the ``propose`` call that produced this step, in seconds.
    """

    proposal: Proposal
    result: Result
    history: History
    spent_seconds: float
    proposal_seconds: float


def search_steps(
    strategy: Strategy,
    history: History,
    budget: Budget,
    evaluate: Callable[[Sequence[Proposal]], Sequence[Result]],
    seed: int,
    stop_below_points: float | None = None,
) -> Iterator[Step[Result]]:
    """Evaluate the proposals of a strategy until it makes none or the budget does not afford them.

    A caller that needs no further steps stops iterating.

    Args:
        strategy: The strategy.
        history: Observations from before the search; they are not charged.
        budget: Limit of the costs and of the number of evaluations.
        evaluate: Evaluates proposals, and returns the results in the same order.
        seed: Seed of the strategy's random choices.
        stop_below_points: The search ends when the expected gain of the rest of the budget is below, in percentage
            points; None for never.
    """
    known = len(history)
    left = budget
    spent = 0.0
    while left.evaluations > 0:
        if gain_below(stop_below_points, strategy, history, left, seed) is not None:
            return
        rng = numpy_generator(seed, "search", len(history))
        started = time.perf_counter()
        proposals = strategy.propose(history, left, rng)
        proposal_seconds = time.perf_counter() - started
        proposals = within(left, history, proposals)
        if not proposals:
            return
        for proposal, result in zip(proposals, evaluate(proposals), strict=True):
            left = left.without(result.charged_seconds)
            spent += result.charged_seconds
            step = len(history) - known + 1
            history = history.with_(Observation.of(result, step, strategy.problem, proposal.threshold))
            yield Step(proposal, result, history, spent, proposal_seconds)


def run_search(
    name: str,
    strategy: Strategy,
    problem: SearchProblem,
    known: Sequence[Evaluation],
    budget: Budget,
    evaluate: Callable[[Sequence[EvaluationRequest]], Sequence[Evaluation]],
    search_seed: int,
    training_seed: int,
    stop_below_points: float | None = None,
) -> SearchResult:
    """Run a search until the strategy makes no proposal or the budget does not afford it.

    An evaluation is charged what its training cost, and what was lost to faults of machines before, also when it was
    found in the store: the trace of a search is the same whether or not it was interrupted and begun again.

    Args:
        name: Name of the strategy, for the trace.
        strategy: The strategy.
        problem: The problem that the strategy was built for.
        known: Evaluations from before the search; they are not charged.
        budget: Limit of the costs and of the number of evaluations.
        evaluate: Evaluates requests, and returns the results in the same order.
        search_seed: Seed of the strategy's random choices.
        training_seed: Seed of the trainings.
        stop_below_points: The search ends when the expected gain of the rest of the budget is below, in percentage
            points; None for never. Strategies without a model of the gain go on.

    Raises:
        ImpossibleLimitError: If the budget ends before any high-fidelity evaluation has finished.
    """
    history = History(tuple(Observation.of(evaluation, 0, problem) for evaluation in known))
    rows: list[dict[str, object]] = []
    metrics = {each.architecture.id: each.metrics for each in known if each.fidelity == problem.full and each.finished}
    charged: list[Evaluation] = []
    left, spent = budget, 0.0

    def train(proposals: Sequence[Proposal]) -> Sequence[Evaluation]:
        return evaluate([EvaluationRequest(p.candidate.architecture, p.fidelity, training_seed) for p in proposals])

    for step in search_steps(strategy, history, budget, train, search_seed, stop_below_points):
        history, spent = step.history, step.spent_seconds
        left = left.without(step.result.charged_seconds)
        charged.append(step.result)
        if step.result.fidelity == problem.full and step.result.finished:
            metrics[step.result.architecture.id] = step.result.metrics
        rows.append(_row(name, search_seed, step, problem, metrics))
        _log(rows[-1], budget, problem.metric)
    best = history.best(problem.full, problem.by_id)
    if best is None:
        raise ImpossibleLimitError(
            f"the search ended without one finished high-fidelity evaluation: a budget of {budget.seconds:g} s and "
            f"{budget.evaluations} evaluations is too small, or all of them failed; raise search.budget_seconds "
            "or search.budget_evaluations"
        )
    ended, summary = (
        why_ended(strategy, history, budget, left, search_seed, stop_below_points),
        search_summary(problem, history, best[0]),
    )
    logger.info(
        "Search with %s ended, because %s: %d evaluations, %.1f s of training charged; %s",
        name,
        ended,
        len(rows),
        spent,
        summary,
    )
    trace = pd.DataFrame(rows, columns=list(TRACE_COLUMNS))
    return SearchResult(trace, tuple(charged), best[0], spent, ended, summary)


def _row(
    name: str, seed: int, step: Step[Evaluation], problem: SearchProblem, metrics: Mapping[str, Metrics]
) -> dict[str, object]:
    """Row of the trace; ``metrics`` are those of the high-fidelity evaluations so far, by architecture."""
    evaluation, reason = step.result, step.proposal.reason
    incumbent, _ = step.history.best(problem.full, problem.by_id) or (None, None)
    of_incumbent = Metrics() if incumbent is None else metrics[incumbent]
    return {
        "strategy": name,
        "seed": seed,
        "step": step.history.observations[-1].step,
        "architecture_id": evaluation.architecture.id,
        **evaluation.fidelity.to_row(),
        "cost_seconds": evaluation.charged_seconds,
        "cumulative_cost_seconds": step.spent_seconds,
        **{each.validation: each.of(evaluation.metrics) for each in METRICS.values()},
        "incumbent_architecture_id": incumbent,
        **{f"incumbent_{each.validation}": each.of(of_incumbent) for each in METRICS.values()},
        "promotion_threshold": step.proposal.threshold,
        "reason": "; ".join([reason, *_happened(evaluation)]),
    }


def _happened(evaluation: Evaluation) -> list[str]:
    """What is said of an evaluation beside its numbers."""
    lost = [f"{evaluation.lost_seconds:.1f} s were lost to faults of the machine"] if evaluation.lost_seconds else []
    return lost if evaluation.finished else [*lost, f"failed: {evaluation.error}"]


def _log(row: dict[str, object], budget: Budget, metric: Metric) -> None:
    logger.info(
        "Step %d, %.1f of %g s charged: %s at %s: validation %s %s, incumbent %s; %s",
        row["step"],
        row["cumulative_cost_seconds"],
        budget.seconds,
        row["architecture_id"],
        Fidelity.from_row(row),
        metric.label,
        _short(row[metric.validation]),
        _short(row[f"incumbent_{metric.validation}"]),
        row["reason"],
    )


def _short(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "none"
