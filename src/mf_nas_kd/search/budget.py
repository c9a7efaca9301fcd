"""What may still be spent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Seconds of training and number of trainings that are left.

    Attributes:
        seconds: May end below zero by what the last training took longer than expected.
        evaluations: Low- and high-fidelity ones alike.
    """

    seconds: float
    evaluations: int

    def affords(self, cost_seconds: float, evaluations: int = 1) -> bool:
        """Whether this much can be spent."""
        return evaluations <= self.evaluations and cost_seconds <= self.seconds

    def without(self, cost_seconds: float, evaluations: int = 1) -> Budget:
        """What is left after spending this much."""
        return Budget(self.seconds - cost_seconds, self.evaluations - evaluations)
