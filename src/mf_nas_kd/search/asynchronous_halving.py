"""Asynchronous successive halving (ASHA): a candidate is promoted as soon as it is among the best of its rung.

References:
    Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar (2020). A System for Massively Parallel
    Hyperparameter Tuning. MLSys, Algorithm 2, with the early-stopping rate s = 0.
    Differences: the rungs are the configured fidelities, and the reduction factor between two rungs is the ratio of
    their relative costs, at least 2; no candidate enters twice; promotions continue trainings where these differ in
    epochs only.
"""

from __future__ import annotations

import math

import numpy as np

from mf_nas_kd.search.ladder import Ladder, LadderStrategy
from mf_nas_kd.search.strategy import Proposal

ROUNDING = 1e-9  # ratios of costs have rounding errors
SMALLEST_FACTOR = 2.0  # with smaller ones, nearly all are promoted


class AsynchronousHalving(LadderStrategy):
    """Promotions from the highest rung that has one; where there is none, a random candidate enters the lowest rung.

    When no candidate is left to enter, those that reached the highest rungs are evaluated at the target fidelity, the
    best first.
    """

    def next(self, ladder: Ladder, rng: np.random.Generator) -> tuple[Proposal, ...]:
        """Promotions, then random candidates, then those that are left."""
        highest_first = reversed(range(len(ladder) - 1))
        promoted = tuple(proposal for rung in highest_first for proposal in _promotable(ladder, rung))
        fresh = ladder.fresh
        reason = f"drawn at random from {len(fresh)} candidates, because none can be promoted"
        entering = tuple(ladder.proposal(fresh[index].id, 0, reason) for index in rng.permutation(len(fresh)))
        return (*promoted, *entering) or ladder.waiting("all candidates have entered")


def _promotable(ladder: Ladder, rung: int) -> list[Proposal]:
    """Promotions from a rung: the best ``1 / eta`` of its candidates that are not at the next one yet."""
    here, above = ladder.results[rung], ladder.results[rung + 1]
    factor = max(ladder.cost_ratios[rung] / ladder.cost_ratios[rung + 1], SMALLEST_FACTOR)
    count = math.floor(len(here) / factor + ROUNDING)
    best = sorted(here, key=here.__getitem__, reverse=True)[:count]
    return [
        ladder.proposal(
            name,
            rung + 1,
            f"rank {rank} of {len(here)} with {here[name]:.4f} at rung {rung + 1} of {len(ladder)}, "
            f"of which the best {count} are promoted",
        )
        for rank, name in enumerate(best, start=1)
        if name not in above
    ]
