"""The loop: ask a strategy, pay for what it proposes, tell it the result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pandas as pd

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.evaluation.fidelity import Fidelity
from mf_nas_kd.evaluation.record import Evaluation, EvaluationRequest
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.strategy import Proposal, Strategy, within
from mf_nas_kd.seeding import numpy_generator

logger = logging.getLogger(__name__)

TRACE_COLUMNS = (
    "strategy",
    "seed",
    "step",
    "architecture_id",
    "train_fraction",
    "epochs",
    "width",
    "distillation",
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
    history = History(tuple(Observation.of(evaluation, step=0) for evaluation in known))
    rows: list[dict[str, object]] = []
    paid: list[Evaluation] = []
    left = budget
    while left.evaluations > 0:
        rng = numpy_generator(search_seed, "search", len(history))
        proposals = within(left, history, strategy.propose(history, left, rng))
        if not proposals:
            break
        requests = [EvaluationRequest(p.candidate.architecture, p.fidelity, training_seed) for p in proposals]
        for proposal, evaluation in zip(proposals, evaluate(requests), strict=True):
            left = left.without(evaluation.cost_seconds)
            history = history.with_(Observation.of(evaluation, step=len(rows) + 1))
            paid.append(evaluation)
            rows.append(_row(name, search_seed, proposal, evaluation, history, problem, budget.seconds - left.seconds))
            _log(rows[-1], budget)
    best = history.best(problem.full, problem.by_id)
    if best is None:
        raise ImpossibleLimitError(
            f"the search ended without one finished full training: a budget of {budget.seconds:g} s and "
            f"{budget.evaluations} evaluations is too small, or all of them failed; raise search.budget_seconds "
            "or search.budget_evaluations"
        )
    logger.info("Search %s ended: %d evaluations, %.1f s of training", name, len(rows), budget.seconds - left.seconds)
    trace = pd.DataFrame(rows, columns=list(TRACE_COLUMNS))
    return SearchResult(trace, tuple(paid), best[0], budget.seconds - left.seconds)


def _row(
    name: str,
    seed: int,
    proposal: Proposal,
    evaluation: Evaluation,
    history: History,
    problem: SearchProblem,
    spent: float,
) -> dict[str, object]:
    incumbent = history.best(problem.full, problem.by_id) or (None, None)
    return {
        "strategy": name,
        "seed": seed,
        "step": history.observations[-1].step,
        "architecture_id": evaluation.architecture_id,
        "train_fraction": evaluation.train_fraction,
        "epochs": evaluation.epochs,
        "width": evaluation.width,
        "distillation": evaluation.distillation,
        "cost_seconds": evaluation.cost_seconds,
        "cumulative_cost_seconds": spent,
        "val_accuracy": evaluation.val_accuracy,
        "incumbent_architecture_id": incumbent[0],
        "incumbent_val_accuracy": incumbent[1],
        "reason": proposal.reason if evaluation.finished else f"{proposal.reason}; failed: {evaluation.error}",
    }


def _log(row: dict[str, object], budget: Budget) -> None:
    logger.info(
        "Step %d, %.1f of %g s spent: %s, %s: accuracy %s, best full %s; %s",
        row["step"],
        row["cumulative_cost_seconds"],
        budget.seconds,
        row["architecture_id"],
        Fidelity.from_columns(SimpleNamespace(**row)),
        _short(row["val_accuracy"]),
        _short(row["incumbent_val_accuracy"]),
        row["reason"],
    )


def _short(accuracy: object) -> str:
    return f"{accuracy:.4f}" if isinstance(accuracy, float) else "none"
