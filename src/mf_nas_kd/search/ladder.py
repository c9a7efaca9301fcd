"""Base of the strategies that promote candidates rung by rung along a fidelity ladder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.continuing import continuing
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import Candidate, SearchProblem
from mf_nas_kd.search.rungs import rungs
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, reserve_full_evaluation, within

NOT_AFFORDED = "the budget does not afford another low-fidelity evaluation"

Accuracies = Mapping[str, float]


@dataclass(frozen=True)
class Ladder:
    """A fidelity ladder with the results of a search.

    Attributes:
        problem: Candidates and fidelities.
        history: All observations.
        fidelities: The rungs, see :func:`.rungs`; the last one is the target fidelity.
        results: For each rung, the accuracy of each candidate that was tried there, in the order of the evaluations. A
            failed training counts as accuracy 0.
    """

    problem: SearchProblem
    history: History
    fidelities: tuple[Fidelity, ...]
    results: tuple[Accuracies, ...]

    @classmethod
    def of(cls, problem: SearchProblem, history: History) -> Ladder:
        """The ladder of a problem."""
        fidelities = rungs(problem, history)
        return cls(problem, history, fidelities, tuple(_results(problem, history, rung) for rung in fidelities))

    def __len__(self) -> int:
        return len(self.fidelities)

    @property
    def cost_ratios(self) -> tuple[float, ...]:
        """Relative cost of the target fidelity in units of that of each rung, at least 1."""
        return tuple(max(self.fidelities[-1].relative_cost / rung.relative_cost, 1.0) for rung in self.fidelities)

    @property
    def fresh(self) -> list[Candidate]:
        """Candidates that were tried at no rung."""
        tried = set().union(*self.results)
        return [candidate for candidate in self.problem.candidates if candidate.id not in tried]

    def proposal(self, name: str, rung: int, reason: str) -> Proposal:
        """The evaluation of a candidate at a rung; the reason says what it continues."""
        fidelity = self.fidelities[rung]
        return Proposal(self.problem.by_id[name], fidelity, reason + continuing(self.history, name, fidelity))

    def promotions(self, members: Sequence[str], kept: Sequence[int], first: int = 0) -> tuple[Proposal, ...]:
        """Missing evaluations of a bracket at its lowest rung that is not complete.

        Args:
            members: Candidates that were tried at the first rung of the bracket.
            kept: How many of them reach each rung after the first one.
            first: The first rung of the bracket.
        """
        ranked = members
        for rung, count in enumerate(kept, start=first + 1):
            below, here = self.results[rung - 1], self.results[rung]
            survivors = sorted(ranked, key=below.__getitem__, reverse=True)[:count]
            lacking = tuple(
                self.proposal(
                    name,
                    rung,
                    f"rank {rank} of {len(ranked)} with {below[name]:.4f} at rung {rung} of {len(self)}, "
                    f"from which {count} of this bracket of {len(members)} are promoted",
                )
                for rank, name in enumerate(survivors, start=1)
                if name not in here
            )
            if lacking:
                return lacking
            ranked = survivors
        return ()

    def waiting(self, why: str) -> tuple[Proposal, ...]:
        """High-fidelity evaluations of those without one that reached the highest rungs, the best first.

        Args:
            why: Why they are promoted, for their reasons.
        """
        reached: dict[str, tuple[int, float]] = {}
        for rung, accuracies in enumerate(self.results[:-1], start=1):
            reached |= {name: (rung, accuracy) for name, accuracy in accuracies.items() if name not in self.results[-1]}
        return tuple(
            self.proposal(
                name,
                len(self) - 1,
                f"best of {len(reached)} at the highest rung, with {reached[name][1]:.4f} at rung {reached[name][0]} "
                f"of {len(self)}; {why}",
            )
            for name in sorted(reached, key=reached.__getitem__, reverse=True)
        )


class LadderStrategy(Strategy):
    """Promotes candidates along a ladder; low-fidelity evaluations leave the cost of a high-fidelity one."""

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, count = self.problem, self.problem.proposals_at_a_time
        ladder = Ladder.of(problem, history)
        proposals = tuple(self.next(ladder, rng)[:count])
        if proposals and proposals[0].fidelity != problem.full:
            proposals = within(reserve_full_evaluation(problem, history, budget), history, proposals)
            proposals = (
                proposals or ladder.waiting("the budget does not afford another low-fidelity evaluation")[:count]
            )
        return within(budget, history, proposals or draw(problem, history, problem.full, count, rng))

    @abstractmethod
    def next(self, ladder: Ladder, rng: np.random.Generator) -> Sequence[Proposal]:
        """The next evaluations, if the budget had no limit; those that are wanted first come first."""


def _results(problem: SearchProblem, history: History, rung: Fidelity) -> Accuracies:
    return {
        seen.architecture_id: seen.score or 0.0
        for seen in history
        if seen.fidelity == rung and seen.architecture_id in problem.by_id
    }
