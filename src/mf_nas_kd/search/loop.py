"""The loop: ask a strategy, pay for what it proposes, tell it the result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pandas as pd

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest
from mf_nas_kd.records.fidelity import FIDELITY_COLUMNS, Fidelity
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.strategy import Proposal, Strategy, within
from mf_nas_kd.seeding import numpy_generator

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer", Evaluation, Observation)

TRACE_COLUMNS = (
    "strategy",
    "seed",
    "step",
    "architecture_id",
    *FIDELITY_COLUMNS,
    "cost_seconds",
    "cumulative_cost_seconds",
    "val_accuracy",
    "incumbent_architecture_id",
    "incumbent_val_accuracy",
    "reason",
)


@dataclass(frozen=True)
class SearchResult:
    """How a search went.

    Attributes:
        trace: One row an evaluation that was paid for, with the columns ``TRACE_COLUMNS``.
        evaluations: Their records.
        winner_id: The candidate with the highest validation accuracy at full fidelity.
        spent_seconds: Sum of the costs.
    """

    trace: pd.DataFrame
    evaluations: tuple[Evaluation, ...]
    winner_id: str
    spent_seconds: float


@dataclass(frozen=True)
class Step(Generic[Answer]):
    """One evaluation that a search has paid for.

    Attributes:
        proposal: What the strategy wanted.
        answer: What came of it.
        history: What is known now; the answer is its last observation.
        spent_seconds: Sum of the costs so far.
        proposal_seconds: What the strategy took to answer the question that led to this step.
    """

    proposal: Proposal
    answer: Answer
    history: History
    spent_seconds: float
    proposal_seconds: float


def search_steps(
    strategy: Strategy,
    history: History,
    budget: Budget,
    evaluate: Callable[[Sequence[Proposal]], Sequence[Answer]],
    seed: int,
) -> Iterator[Step[Answer]]:
    """Ask, pay, tell, until the strategy has nothing to propose or the budget does not afford it.

    Whoever has seen enough stops iterating.

    Args:
        strategy: Whom to ask.
        history: What is known, and free.
        budget: What may be spent.
        evaluate: Answers proposals in their order.
        seed: Of the strategy's random choices.
    """
    known = len(history)
    left = budget
    spent = 0.0
    while left.evaluations > 0:
        rng = numpy_generator(seed, "search", len(history))
        asked = time.perf_counter()
        proposals = strategy.propose(history, left, rng)
        proposal_seconds = time.perf_counter() - asked
        proposals = within(left, history, proposals)
        if not proposals:
            return
        for proposal, answer in zip(proposals, evaluate(proposals), strict=True):
            left = left.without(answer.cost_seconds)
            spent += answer.cost_seconds
            history = history.with_(Observation.of(answer, len(history) - known + 1, strategy.problem.by_id))
            yield Step(proposal, answer, history, spent, proposal_seconds)


def run_search(
    name: str,
    strategy: Strategy,
    problem: SearchProblem,
    known: Sequence[Evaluation],
    budget: Budget,
    evaluate: Callable[[Sequence[EvaluationRequest]], Sequence[Evaluation]],
    search_seed: int,
    training_seed: int,
) -> SearchResult:
    """Search until the strategy has nothing to propose or the budget does not afford it.

    An evaluation is charged what its training cost, also when it was found in the store: the trace of a search is the
    same whether or not it was interrupted and begun again.

    Args:
        name: The strategy's name, for the trace.
        strategy: Whom to ask.
        problem: What it was built for.
        known: Evaluations from before the search; they are free.
        budget: What may be spent.
        evaluate: Answers requests in their order.
        search_seed: Of the strategy's random choices.
        training_seed: Of the trainings.

    Raises:
        ImpossibleLimitError: If the budget ends before any candidate was fully trained.
    """
    history = History(tuple(Observation.of(evaluation, 0, problem.by_id) for evaluation in known))
    rows: list[dict[str, object]] = []
    paid: list[Evaluation] = []
    spent = 0.0

    def train(proposals: Sequence[Proposal]) -> Sequence[Evaluation]:
        return evaluate([EvaluationRequest(p.candidate.architecture, p.fidelity, training_seed) for p in proposals])

    for step in search_steps(strategy, history, budget, train, search_seed):
        history, spent = step.history, step.spent_seconds
        paid.append(step.answer)
        rows.append(_row(name, search_seed, step, problem))
        _log(rows[-1], budget)
    best = history.best(problem.full, problem.by_id)
    if best is None:
        raise ImpossibleLimitError(
            f"the search ended without one finished full training: a budget of {budget.seconds:g} s and "
            f"{budget.evaluations} evaluations is too small, or all of them failed; raise search.budget_seconds "
            "or search.budget_evaluations"
        )
    logger.info("Search %s ended: %d evaluations, %.1f s of training", name, len(rows), spent)
    trace = pd.DataFrame(rows, columns=list(TRACE_COLUMNS))
    return SearchResult(trace, tuple(paid), best[0], spent)


def _row(name: str, seed: int, step: Step[Evaluation], problem: SearchProblem) -> dict[str, object]:
    evaluation, reason = step.answer, step.proposal.reason
    incumbent = step.history.best(problem.full, problem.by_id) or (None, None)
    return {
        "strategy": name,
        "seed": seed,
        "step": step.history.observations[-1].step,
        "architecture_id": evaluation.architecture.id,
        **evaluation.fidelity.to_row(),
        "cost_seconds": evaluation.cost_seconds,
        "cumulative_cost_seconds": step.spent_seconds,
        "val_accuracy": evaluation.metrics.val_accuracy,
        "incumbent_architecture_id": incumbent[0],
        "incumbent_val_accuracy": incumbent[1],
        "reason": reason if evaluation.finished else f"{reason}; failed: {evaluation.error}",
    }


def _log(row: dict[str, object], budget: Budget) -> None:
    logger.info(
        "Step %d, %.1f of %g s spent: %s, %s: accuracy %s, best full %s; %s",
        row["step"],
        row["cumulative_cost_seconds"],
        budget.seconds,
        row["architecture_id"],
        Fidelity.from_row(row),
        _short(row["val_accuracy"]),
        _short(row["incumbent_val_accuracy"]),
        row["reason"],
    )


def _short(accuracy: object) -> str:
    return f"{accuracy:.4f}" if isinstance(accuracy, float) else "none"
