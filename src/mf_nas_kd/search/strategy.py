"""The protocol of a strategy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import BaseModel

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.registry import NoOptions
from mf_nas_kd.registry import Options as Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import Candidate, SearchProblem


@dataclass(frozen=True)
class Proposal:
    """What to evaluate next, and why.

    Attributes:
        candidate: One of the problem's.
        fidelity: How much to spend.
        reason: One sentence with the numbers that decided, for the trace.
    """

    candidate: Candidate
    fidelity: Fidelity
    reason: str


class Strategy(ABC):
    """Says what to evaluate next. It never trains, saves or remembers.

    Obligations: a pure function of its arguments (equal histories, budgets and generators give equal proposals), so
    that a search can be tested with a hand-written history and resumed without pickles; never more proposals than the
    problem's ``proposals_at_a_time``, nor than the budget affords by :meth:`History.expected_cost`; never the same
    candidate at the same fidelity twice; at the end, when there is nothing left worth its price, no proposal.
    """

    Options: ClassVar[type[Options]] = NoOptions

    def __init__(self, problem: SearchProblem, options: BaseModel) -> None:
        self.problem = problem
        self.options = options

    @abstractmethod
    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        """What to evaluate next; nothing to end the search.

        Args:
            history: What is known.
            budget: What is left.
            rng: The only source of randomness.
        """

    def recommend(self, history: History) -> str | None:
        """The candidate to take at the end; None for the best one by validation accuracy at full fidelity."""
        return None


def within(budget: Budget, history: History, proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """The first proposals that the budget affords together."""
    afforded = []
    for proposal in proposals:
        cost = history.expected_cost(proposal.candidate, proposal.fidelity)
        if not budget.affords(cost):
            break
        budget = budget.without(cost)
        afforded.append(proposal)
    return tuple(afforded)


def leaving_a_full_training(problem: SearchProblem, history: History, budget: Budget) -> Budget:
    """What may go into short trainings: the budget without a full training of the costliest candidate."""
    costliest = max(problem.candidates, key=lambda candidate: candidate.macs)
    return budget.without(history.expected_cost(costliest, problem.full))


def explained(proposals: Sequence[Proposal], why: str) -> tuple[Proposal, ...]:
    """The same proposals with a further reason."""
    return tuple(replace(proposal, reason=f"{proposal.reason}; {why}") for proposal in proposals)


def draw(
    problem: SearchProblem, history: History, fidelity: Fidelity, count: int, rng: np.random.Generator
) -> tuple[Proposal, ...]:
    """Random candidates that were not tried at a fidelity, at most ``count``."""
    tried = history.tried(fidelity)
    untried = [candidate for candidate in problem.candidates if candidate.id not in tried]
    chosen = rng.permutation(len(untried))[:count]
    reason = f"drawn at random from {len(untried)} candidates that were not tried at this fidelity"
    return tuple(Proposal(untried[place], fidelity, reason) for place in chosen)
