"""Successive halving in brackets: the better part of each rung is evaluated at the next higher fidelity.

References:
    Jamieson and Talwalkar (2016). Non-stochastic Best Arm Identification and Hyperparameter Optimization. AISTATS.
    Li et al. (2017). Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization. JMLR 18, Algorithm 1:
    of n candidates in a bracket, floor(n / eta^k) reach rung k.
    Differences: at least one of a bracket reaches the target fidelity, and there are brackets until every candidate has
    reached it; the rungs are the configured fidelities, at whatever ratio of costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field, PositiveInt

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.registry import Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.rungs import rungs
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, reserve_full_evaluation, within

Accuracies = Mapping[str, float]


class SuccessiveHalvingOptions(Options):
    """Options of :class:`SuccessiveHalving`.

    Attributes:
        initial_candidates: Random candidates that enter a bracket.
        reduction_factor: One in this many is promoted to the next rung, at least 2; 3 or 4 in the paper.
    """

    initial_candidates: PositiveInt
    reduction_factor: int = Field(ge=2)


class SuccessiveHalving(Strategy):
    """Brackets of random candidates, whose better part is promoted rung by rung to the target fidelity.

    Brackets follow from the history alone: the candidates evaluated at the lowest rung are, in the order of their
    evaluations, the members of the first bracket, of the second, and so on, those from before the search included.
    When no candidate is left to enter, all without a high-fidelity evaluation are one more bracket, which shrinks with
    each such evaluation. A failed training counts as accuracy 0.
    """

    Options = SuccessiveHalvingOptions
    options: SuccessiveHalvingOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, count = self.problem, self.problem.proposals_at_a_time
        ladder = rungs(problem, history)
        results = [self._results(history, rung) for rung in ladder]
        proposals = self._next(ladder, results, rng)[:count]
        if proposals and proposals[0].fidelity != problem.full:
            proposals = within(reserve_full_evaluation(problem, history, budget), history, proposals)
            proposals = proposals or self._best_at_highest_rung(ladder, results)[:count]
        return within(budget, history, proposals or draw(problem, history, problem.full, count, rng))

    def _results(self, history: History, rung: Fidelity) -> Accuracies:
        """Accuracy of each candidate that was tried at a rung, in the order of the evaluations."""
        return {
            seen.architecture_id: seen.score or 0.0
            for seen in history
            if seen.fidelity == rung and seen.architecture_id in self.problem.by_id
        }

    def _next(
        self, ladder: Sequence[Fidelity], results: Sequence[Accuracies], rng: np.random.Generator
    ) -> tuple[Proposal, ...]:
        """Missing evaluations of the first unfinished bracket."""
        size = self.options.initial_candidates
        entered, fully = list(results[0]), results[-1]
        for start in range(0, len(entered) - size + 1, size):
            if promoted := self._promoted(entered[start : start + size], ladder, results):
                return promoted
        fresh = [c for c in self.problem.candidates if c.id not in results[0] and c.id not in fully]
        if not fresh:
            return self._promoted([name for name in entered if name not in fully], ladder, results)
        members = len(entered) % size
        reason = f"drawn at random from {len(fresh)} candidates for a bracket of {size} that has {members} members"
        drawn = rng.permutation(len(fresh))[: size - members]
        return tuple(Proposal(fresh[index], ladder[0], reason) for index in drawn)

    def _promoted(
        self, members: Sequence[str], ladder: Sequence[Fidelity], results: Sequence[Accuracies]
    ) -> tuple[Proposal, ...]:
        """Missing evaluations of a bracket at its lowest rung that is not complete."""
        ranked = members
        for rung in range(1, len(ladder)):
            below, here = results[rung - 1], results[rung]
            kept = max(1, len(members) // self.options.reduction_factor**rung)
            survivors = sorted(ranked, key=below.__getitem__, reverse=True)[:kept]
            lacking = tuple(
                Proposal(
                    self.problem.by_id[name],
                    ladder[rung],
                    f"rank {rank} of {len(ranked)} with {below[name]:.4f} at rung {rung} of {len(ladder)}, "
                    f"from which {kept} of this bracket of {len(members)} are promoted",
                )
                for rank, name in enumerate(survivors, start=1)
                if name not in here
            )
            if lacking:
                return lacking
            ranked = survivors
        return ()

    def _best_at_highest_rung(self, ladder: Sequence[Fidelity], results: Sequence[Accuracies]) -> tuple[Proposal, ...]:
        """High-fidelity evaluations of the best at the highest rungs, when the budget affords no low-fidelity one."""
        reached: dict[str, tuple[int, float]] = {}
        for rung, accuracies in enumerate(results[:-1], start=1):
            reached |= {name: (rung, accuracy) for name, accuracy in accuracies.items() if name not in results[-1]}
        return tuple(
            Proposal(
                self.problem.by_id[name],
                self.problem.full,
                f"best of {len(reached)} at the highest rung, with {reached[name][1]:.4f} at rung {reached[name][0]} "
                f"of {len(ladder)}; the budget does not afford another low-fidelity evaluation",
            )
            for name in sorted(reached, key=reached.__getitem__, reverse=True)
        )
