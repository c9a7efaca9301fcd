"""Limits on what a network may cost, and sampling within them without sampling for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import Cost
from mf_nas_kd.spaces.space import SearchSpace


@dataclass(frozen=True)
class Limits:
    """Upper limits of a network's cost; None is no limit.

    Attributes:
        max_macs: Multiply-accumulates of one image.
        max_params: Learned numbers.
    """

    max_macs: int | None = None
    max_params: int | None = None

    def excess(self, cost: Cost) -> float:
        """By what factor the worse of both is above its limit; at most 1 is within."""
        macs = cost.macs / self.max_macs if self.max_macs else 0.0
        params = cost.params / self.max_params if self.max_params else 0.0
        return max(macs, params)

    def allow(self, cost: Cost) -> bool:
        """Whether a network is within the limits."""
        return self.excess(cost) <= 1

    def __str__(self) -> str:
        given = {"macs": self.max_macs, "params": self.max_params}
        return " and ".join(f"{name} <= {limit:,}" for name, limit in given.items() if limit) or "no limit"


def sample_within(
    space: SearchSpace,
    count: int,
    limits: Limits,
    cost_of: Callable[[Architecture], Cost],
    rng: np.random.Generator,
    attempts_per_architecture: int = 20,
) -> tuple[Architecture, ...]:
    """Sample different architectures within limits.

    A sample that is too costly walks down: to a random cheaper neighbour, again and again, until it is within the
    limits. So tight limits cost a walk and not a thousand rejected samples. (The walk favours architectures just below
    the limit, which are those that a user with a limit wants.)

    Args:
        space: Where to sample.
        count: How many are wanted.
        limits: What a network may cost.
        cost_of: Counts the cost of an architecture.
        rng: Source of randomness.
        attempts_per_architecture: After this many samples in a row without a new one, the space is taken to be
            exhausted, and fewer than ``count`` are returned.

    Raises:
        ImpossibleLimitError: If a walk ends at an architecture without cheaper neighbours that is above the limits.
    """
    found: dict[str, Architecture] = {}
    misses = 0
    while len(found) < count and misses < attempts_per_architecture:
        candidate = _walk_down(space, space.sample(rng), limits, cost_of, rng)
        misses = misses + 1 if candidate.id in found else 0
        found.setdefault(candidate.id, candidate)
    return tuple(found.values())


def _walk_down(
    space: SearchSpace,
    architecture: Architecture,
    limits: Limits,
    cost_of: Callable[[Architecture], Cost],
    rng: np.random.Generator,
) -> Architecture:
    cost = cost_of(architecture)
    while not limits.allow(cost):
        neighbours = space.neighbours(architecture)
        for place in rng.permutation(len(neighbours)):
            cheaper = cost_of(neighbours[place])
            if limits.excess(cheaper) < limits.excess(cost):
                architecture, cost = neighbours[place], cheaper
                break
        else:
            raise ImpossibleLimitError(
                f"no architecture of the space {space.name!r} has {limits}: the smallest one has "
                f"macs = {cost.macs:,} and params = {cost.params:,}"
            )
    return architecture
