"""Hyperband: brackets of successive halving that begin at every rung of the ladder.

References:
    Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2017). Hyperband: A Novel Bandit-Based Approach to Hyperparameter
    Optimization. JMLR 18, Algorithm 1.
    Differences: the rungs are the configured fidelities, so that their resources are their relative costs, and eta^s in
    the algorithm is the ratio of the costs of the target fidelity and of the rung where a bracket begins; at least one
    of a bracket reaches the target fidelity; no candidate enters twice; promotions continue trainings where these
    differ in epochs only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mf_nas_kd.search.ladder import Ladder, LadderStrategy
from mf_nas_kd.search.strategy import Proposal

ROUNDING = 1e-9  # ratios of costs have rounding errors


class Hyperband(LadderStrategy):
    """Brackets from the one that begins at the lowest rung to the one at the target fidelity, again and again.

    Of ``K`` rungs with cost ratios ``q_k``, the bracket that begins at rung ``k`` has ``ceil(K / (K - k) * q_k)``
    random candidates, and ``floor(n q_j / q_k)`` of its ``n`` members reach rung ``j``, so that all brackets cost about
    as much. Brackets follow from the history alone: a candidate is a member of the first bracket with a vacancy at the
    lowest rung where it was tried. When no candidate is left to enter, all without a high-fidelity evaluation are one
    more bracket.
    """

    def next(self, ladder: Ladder, rng: np.random.Generator) -> tuple[Proposal, ...]:
        """Missing evaluations of the first unfinished bracket."""
        fresh, fully = ladder.fresh, ladder.results[-1]
        for first, size, members in _brackets(ladder):
            if len(members) < size and fresh:
                drawn = rng.permutation(len(fresh))[: size - len(members)]
                reason = (
                    f"drawn at random from {len(fresh)} candidates for a bracket of {size} that begins at rung "
                    f"{first + 1} of {len(ladder)} and has {len(members)} members"
                )
                return tuple(ladder.proposal(fresh[index].id, first, reason) for index in drawn)
            if promoted := ladder.promotions(members, _kept(ladder, first, len(members)), first):
                return promoted
            if not members:
                break
        left = [name for name in ladder.results[0] if name not in fully]
        return ladder.promotions(left, _kept(ladder, 0, len(left))) or ladder.waiting("all candidates have entered")


def bracket_size(ladder: Ladder, first: int) -> int:
    """Number of candidates in the bracket that begins at a rung."""
    return math.ceil(len(ladder) / (len(ladder) - first) * ladder.cost_ratios[first] - ROUNDING)


def _kept(ladder: Ladder, first: int, members: int) -> list[int]:
    """How many of a bracket's members reach each rung after its first one."""
    ratios = ladder.cost_ratios
    return [max(1, math.floor(members * ratio / ratios[first] + ROUNDING)) for ratio in ratios[first + 1 :]]


def _brackets(ladder: Ladder) -> Iterator[tuple[int, int, list[str]]]:
    """First rung, size and members of one bracket after the other, without end.

    A candidate that was tried at several rungs belongs to the lowest one.
    """
    entered: list[list[str]] = []
    earlier: set[str] = set()
    for results in ladder.results:
        entered.append([name for name in results if name not in earlier])
        earlier |= results.keys()
    while True:
        for first in range(len(ladder)):
            size = bracket_size(ladder, first)
            members, entered[first] = entered[first][:size], entered[first][size:]
            yield first, size, members
