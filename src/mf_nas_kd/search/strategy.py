"""Base class of search strategies, and the helpers that several of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import ClassVar

import numpy as np

from mf_nas_kd import registry
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.front_objective import ACCURACY_OBJECTIVE, Objective
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import Candidate, SearchProblem


@dataclass(frozen=True)
class Proposal:
    """A proposed evaluation.

    Attributes:
        candidate: A candidate of the problem.
        fidelity: A fidelity of the problem.
        reason: One sentence with the numbers that decided, for the trace.
        threshold: Promotion threshold of a low-fidelity evaluation: score in [0, 1] above which the
            candidate is to be evaluated at high fidelity; None if the strategy announces none.
    """

    candidate: Candidate
    fidelity: Fidelity
    reason: str
    threshold: float | None = None


class Strategy(ABC):
    """Search strategy: proposes the next evaluations. It never trains or saves, and has no state.

    Obligations: ``propose`` is a pure function of its arguments (equal histories, budgets and generators give equal
    proposals), so that a search can be tested with a hand-written history and resumed without pickles; it never returns
    more proposals than the problem's ``proposals_at_a_time``, nor than the budget affords by
    :meth:`History.expected_cost`; never the same candidate at the same fidelity twice; and no proposal to end the
    search.

    Args:
        problem: Candidates and fidelities.
        options: Validated options, an instance of the class attribute ``Options``.
    """

    Options: ClassVar[type[registry.Options]] = registry.NoOptions
    objectives: ClassVar[tuple[Objective, ...]] = (ACCURACY_OBJECTIVE,)
    """What it can search for."""
    package: ClassVar[str | None] = None
    """Package of an extra that it needs."""

    def __init__(self, problem: SearchProblem, options: registry.Options) -> None:
        self.problem = problem
        self.options = options

    @classmethod
    def is_installed(cls) -> bool:
        """Whether the package that it needs can be imported."""
        return cls.package is None or find_spec(cls.package) is not None

    @abstractmethod
    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        """Propose the next evaluations; none to end the search.

        Args:
            history: All observations.
            budget: The remaining budget.
            rng: The only source of randomness.
        """

    def expected_gain_points(self, history: History, budget: Budget, rng: np.random.Generator) -> float | None:
        """Expected gain of the rest of the budget, in percentage points of the score.

        How much better than the best score so far at the target fidelity the best candidate is expected to be that the
        remaining budget could still find.

        Args:
            history: All observations.
            budget: The remaining budget.
            rng: The only source of randomness.

        Returns:
            At least 0; None if the strategy has no model that could tell, or there is no score yet.
        """
        return None

    def recommend(self, history: History) -> str | None:
        """Stable name of the candidate to take; None for the one with the best score at the target fidelity."""
        return None


def within(budget: Budget, history: History, proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """The longest prefix of the proposals that the budget affords, by their expected costs."""
    afforded = []
    for proposal in proposals:
        cost = history.expected_cost(proposal.candidate, proposal.fidelity)
        if not budget.affords(cost):
            break
        budget = budget.without(cost)
        afforded.append(proposal)
    return tuple(afforded)


def reserve_full_evaluation(problem: SearchProblem, history: History, budget: Budget) -> Budget:
    """Budget for low-fidelity evaluations: what is left after a high-fidelity evaluation of the costliest candidate."""
    costliest = max(problem.candidates, key=lambda candidate: candidate.macs)
    return budget.without(history.expected_cost(costliest, problem.full))


def within_at_low_fidelity(
    problem: SearchProblem, history: History, budget: Budget, proposals: Sequence[Proposal], why: str
) -> tuple[Proposal, ...]:
    """The longest prefix of low-fidelity proposals that leaves the cost of one high-fidelity evaluation.

    Args:
        problem: Candidates and fidelities.
        history: All observations.
        budget: The remaining budget.
        proposals: Low-fidelity proposals.
        why: Reason for their fidelity, added to the reason of each.
    """
    afforded = within(reserve_full_evaluation(problem, history, budget), history, proposals)
    return tuple(replace(proposal, reason=f"{proposal.reason}; {why}") for proposal in afforded)


def draw(
    problem: SearchProblem, history: History, fidelity: Fidelity, count: int, rng: np.random.Generator
) -> tuple[Proposal, ...]:
    """Propose at most ``count`` random candidates that were not tried at a fidelity."""
    tried = history.tried(fidelity)
    untried = [candidate for candidate in problem.candidates if candidate.id not in tried]
    chosen = rng.permutation(len(untried))[:count]
    reason = f"drawn at random from {len(untried)} candidates that were not tried at this fidelity"
    return tuple(Proposal(untried[index], fidelity, reason) for index in chosen)
