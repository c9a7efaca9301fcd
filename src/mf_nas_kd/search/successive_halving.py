"""Successive halving in brackets: the better part of each rung is evaluated at the next higher fidelity.

References:
    Jamieson and Talwalkar (2016). Non-stochastic Best Arm Identification and Hyperparameter Optimization. AISTATS.
    Li et al. (2017). Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization. JMLR 18, Algorithm 1:
    of n candidates in a bracket, floor(n / eta^k) reach rung k.
    Differences: at least one of a bracket reaches the target fidelity, and there are brackets until every candidate has
    reached it; the rungs are the configured fidelities, at whatever ratio of costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field, PositiveInt

from mf_nas_kd.registry import Options
from mf_nas_kd.search.ladder import Ladder, LadderStrategy
from mf_nas_kd.search.strategy import Proposal


class SuccessiveHalvingOptions(Options):
    """Options of :class:`SuccessiveHalving`.

    Attributes:
        initial_candidates: Random candidates that enter a bracket.
        reduction_factor: One in this many is promoted to the next rung, at least 2; 3 or 4 in the paper.
    """

    initial_candidates: PositiveInt
    reduction_factor: int = Field(ge=2)


class SuccessiveHalving(LadderStrategy):
    """Brackets of random candidates, whose better part is promoted rung by rung to the target fidelity.

    Brackets follow from the history alone: the candidates evaluated at the lowest rung are, in the order of their
    evaluations, the members of the first bracket, of the second, and so on, those from before the search included.
    When no candidate is left to enter, all without a high-fidelity evaluation are one more bracket, which shrinks with
    each such evaluation. A failed training counts as accuracy 0.
    """

    Options = SuccessiveHalvingOptions
    options: SuccessiveHalvingOptions

    def next(self, ladder: Ladder, rng: np.random.Generator) -> tuple[Proposal, ...]:
        """Missing evaluations of the first unfinished bracket."""
        size = self.options.initial_candidates
        entered, fully = list(ladder.results[0]), ladder.results[-1]
        for start in range(0, len(entered) - size + 1, size):
            if promoted := self._promoted(entered[start : start + size], ladder):
                return promoted
        fresh = [c for c in self.problem.candidates if c.id not in ladder.results[0] and c.id not in fully]
        if not fresh:
            return self._promoted([name for name in entered if name not in fully], ladder)
        members = len(entered) % size
        reason = f"drawn at random from {len(fresh)} candidates for a bracket of {size} that has {members} members"
        drawn = rng.permutation(len(fresh))[: size - members]
        return tuple(ladder.proposal(fresh[index].id, 0, reason) for index in drawn)

    def _promoted(self, members: Sequence[str], ladder: Ladder) -> tuple[Proposal, ...]:
        factor = self.options.reduction_factor
        return ladder.promotions(members, [max(1, len(members) // factor**rung) for rung in range(1, len(ladder))])
