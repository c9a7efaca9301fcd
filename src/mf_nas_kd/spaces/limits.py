"""Sampling within limits on the costs of a network, in a bounded number of attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import Costs, Limits
from mf_nas_kd.spaces.space import SearchSpace


def sample_within(
    space: SearchSpace,
    count: int,
    limits: Limits,
    cost_of: Callable[[Architecture], Costs],
    rng: np.random.Generator,
    attempts_per_architecture: int = 20,
) -> tuple[Architecture, ...]:
    """Sample different architectures within limits.

    A sample that is too costly walks down: to a random cheaper neighbour, again and again, until it is within the
    limits. So tight limits cost a walk and not a thousand rejected samples. (The walk favours architectures just below
    the limit, which are those that a user with a limit wants.) Where as many are wanted as the space has, all that are
    within the limits are returned.

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
    if count >= space.size:
        everything = _whole(space, space.sample(rng))
        within = tuple(each for each in everything if limits.allow(cost_of(each)))
        if within:
            return within
    found: dict[str, Architecture] = {}
    misses = 0
    while len(found) < count and misses < attempts_per_architecture:
        candidate = walk_down(space, space.sample(rng), lambda each: limits.excess(cost_of(each)), rng)
        if not limits.allow(cost_of(candidate)):
            raise ImpossibleLimitError(
                f"no architecture of the space {space.name!r} has {limits}: the smallest one has "
                + " and ".join(f"{name} = {value:,}" for name, value in cost_of(candidate).to_row().items())
            )
        misses = misses + 1 if candidate.id in found else 0
        found.setdefault(candidate.id, candidate)
    return tuple(found.values())


def _whole(space: SearchSpace, start: Architecture) -> Iterable[Architecture]:
    """All architectures of a space, each once; its neighbourhood connects them."""
    found = {start: None}
    front = [start]
    while front:
        reached = dict.fromkeys(each for architecture in front for each in space.neighbours(architecture))
        front = [each for each in reached if each not in found]
        found.update(dict.fromkeys(front))
    return found


def walk_down(
    space: SearchSpace,
    architecture: Architecture,
    excess: Callable[[Architecture], float],
    rng: np.random.Generator,
) -> Architecture:
    """Walk to random cheaper neighbours until an architecture is within limits, or has no cheaper neighbour.

    Args:
        space: Where to walk.
        architecture: Where to start.
        excess: The largest ratio of a cost to its limit; at most 1 is within the limits.
        rng: Source of randomness.
    """
    costs = excess(architecture)
    while costs > 1:
        neighbours = space.neighbours(architecture)
        for index in rng.permutation(len(neighbours)):
            cheaper = excess(neighbours[index])
            if cheaper < costs:
                architecture, costs = neighbours[index], cheaper
                break
        else:
            break
    return architecture
