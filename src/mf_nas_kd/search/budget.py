"""Budget of a search."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Remaining seconds of training and remaining number of evaluations.

    Attributes:
        seconds: Remaining cost, in seconds; below zero if the last training took longer than expected.
        evaluations: Remaining number of evaluations, low- and high-fidelity ones alike.

    >>> Budget(seconds=60.0, evaluations=2).without(50.0).affords(20.0)
    False
    """

    seconds: float
    evaluations: int

    def affords(self, cost_seconds: float, evaluations: int = 1) -> bool:
        """Whether the budget covers this cost and number of evaluations."""
        return evaluations <= self.evaluations and cost_seconds <= self.seconds

    def without(self, cost_seconds: float, evaluations: int = 1) -> Budget:
        """The budget after charging this cost and number of evaluations."""
        return Budget(self.seconds - cost_seconds, self.evaluations - evaluations)


UNLIMITED = Budget(math.inf, sys.maxsize)
"""A budget that affords everything."""
