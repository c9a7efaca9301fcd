"""Sampling of candidates within limits of their costs on a device.

Only measured candidates are admitted. Costs of others are predicted from the measured ones, so that the walk of
:func:`.walk_down` needs no measurement at every step.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.records import AllCosts, Architecture, Costs, DeviceCosts
from mf_nas_kd.records.costs import ON_DEVICE
from mf_nas_kd.records.fields import Role, column_names
from mf_nas_kd.records.tables import candidate_table
from mf_nas_kd.spaces import Limits, sample_within
from mf_nas_kd.spaces.limits import walk_down
from mf_nas_kd.spaces.space import SearchSpace
from mf_nas_kd.studies.device_costs import THIS, DeviceCostsOf
from mf_nas_kd.surrogates.log_costs import LogCosts

MEASURED_COLUMNS = column_names(DeviceCosts, Role.COST)

FIRST = 40
"""Candidates that are measured before anything is predicted."""

ROUNDS = 6
"""How often candidates are proposed, measured, and learned from."""

ATTEMPTS = 20
"""Samples in a row without a new candidate after which a round ends, as in :func:`.sample_within`."""

MOST_ABOVE = 5
"""Proposals of a round that are expected to be above the limits: the smallest ones, for want of others."""

MARGIN = 1.05
"""Predicted costs are taken to be higher by this factor, so that few proposals are in vain."""

CostOf = Callable[[Architecture], Costs]
Measure = Callable[[Sequence[Architecture]], Mapping[str, DeviceCosts]]

logger = logging.getLogger(__name__)


class Measured:
    """Measured candidates, and predictions for others.

    Args:
        space: The search space.
        limits: Upper limits of the costs.
        cost_of: Counts the costs of an architecture.
        measure: Gives the costs on a device of those architectures that were, or can be, measured.
    """

    def __init__(self, space: SearchSpace, limits: Limits, cost_of: CostOf, measure: Measure) -> None:
        self._space, self._limits, self._cost_of, self._measure = space, limits, cost_of, measure
        self.architectures: dict[str, Architecture] = {}
        self.costs: dict[str, AllCosts] = {}
        self.on_device: dict[str, DeviceCosts] = {}
        self._models: dict[str, LogCosts] = {}
        self._predicted: dict[str, float] = {}

    def add(self, architectures: Sequence[Architecture]) -> None:
        """Measure architectures, and learn from all that are measured."""
        new = {each.id: each for each in architectures if each.id not in self.costs}
        found = self._measure(list(new.values()))
        for name, each in found.items():
            self.architectures[name], self.on_device[name] = new[name], each
            self.costs[name] = each.with_counted(self._cost_of(new[name]))
        self._predicted.clear()
        features = np.array([self._features(each) for each in self.architectures.values()])
        for cost in [name for name in ON_DEVICE if name in self._limits.maxima and len(self.costs) > 1]:
            values = np.array([getattr(each, cost) for each in self.costs.values()])
            self._models[cost] = LogCosts(features, values)
            if found and self._models[cost].error is not None:
                logger.info("Prediction of %s for networks that are not measured: %s", cost, self._models[cost].error)

    def excess(self, architecture: Architecture) -> float:
        """The largest ratio of a cost to its limit: counted, and measured or else predicted."""
        if architecture.id in self.costs:
            return self._limits.excess(self.costs[architecture.id])
        if architecture.id not in self._predicted:
            counted = self._limits.counted.excess(self._cost_of(architecture))
            features = np.array([self._features(architecture)])
            predicted = (
                MARGIN * float(model.predict(features)[0]) / self._limits.maxima[cost]
                for cost, model in self._models.items()
            )
            self._predicted[architecture.id] = max([counted, *predicted])
        return self._predicted[architecture.id]

    @property
    def admitted(self) -> list[Architecture]:
        """Measured candidates within all limits, in the order in which they were measured."""
        return [self.architectures[name] for name, each in self.costs.items() if self._limits.allow(each)]

    def refusal(self) -> ImpossibleLimitError:
        """The error that names the smallest of the measured candidates."""
        start = f"no architecture of the space {self._space.name!r} that was measured has {self._limits}"
        if not self.costs:
            return ImpossibleLimitError(f"{start}: none was measured on this device (mf-nas-kd measure)")
        least = min(self.costs.values(), key=self._limits.excess).to_row()
        values = " and ".join(f"{name} = {least[name]:,.4g}" for name in self._limits.maxima)
        return ImpossibleLimitError(f"{start}: the smallest of {len(self.costs)} has {values}")

    def _features(self, architecture: Architecture) -> list[float]:
        counted = self._cost_of(architecture)
        return [*self._space.encode(architecture), math.log(counted.macs), math.log(counted.params)]


def measured_pool(
    studied: Sequence[Architecture],
    space: SearchSpace,
    count: int,
    limits: Limits,
    cost_of: CostOf,
    rng: np.random.Generator,
    on_device: DeviceCostsOf,
) -> pd.DataFrame:
    """The candidates of a search that needs their costs on a device: those of the study and others, all measured.

    Args:
        studied: The candidates of the study.
        space: Where to sample.
        count: How many are wanted besides those of the study. Of another device than this one, fewer may be known.
        limits: Upper limits of the costs.
        cost_of: Counts the costs of an architecture.
        rng: Source of randomness.
        on_device: Costs on the device.

    Returns:
        The columns ``CANDIDATE_COLUMNS`` and the costs on the device, one row an architecture.

    Raises:
        ImpossibleLimitError: If no candidate is within the limits; the message names the smallest one that was found.
    """
    measured = Measured(space, limits, cost_of, on_device)
    measured.add([each for each in studied if limits.counted.allow(cost_of(each))])
    if on_device.device == THIS:
        found = _sampled(measured, space, len(measured.admitted) + count, limits, cost_of, rng)
    else:
        known = [each.architecture for each in on_device.known.values() if each.architecture.space == space.name]
        measured.add([each for each in known if limits.counted.allow(cost_of(each))])
        found = measured.admitted[: len(studied) + count]
    if not found:
        raise measured.refusal()
    costs = pd.DataFrame([measured.on_device[each.id].to_row() for each in found])[list(MEASURED_COLUMNS)]
    return candidate_table(found, cost_of).join(costs)


def _sampled(
    measured: Measured,
    space: SearchSpace,
    wanted: int,
    limits: Limits,
    cost_of: CostOf,
    rng: np.random.Generator,
) -> list[Architecture]:
    """Different architectures within limits, all of them measured; at most as many as are wanted."""
    first = min(wanted - len(measured.admitted), FIRST)
    measured.add(sample_within(space, first, limits.counted, cost_of, rng))
    for _ in range(ROUNDS):
        missing = wanted - len(measured.admitted)
        proposals = _proposals(measured, space, missing, rng) if missing > 0 else []
        if not proposals:
            break
        measured.add(proposals)
    return measured.admitted[:wanted]


def _proposals(measured: Measured, space: SearchSpace, count: int, rng: np.random.Generator) -> list[Architecture]:
    """Architectures that are expected to be within the limits, or that are the smallest ones as far as is known."""
    found: dict[str, Architecture] = {}
    misses = 0
    above = 0
    while len(found) < count and misses < ATTEMPTS and above < MOST_ABOVE:
        candidate = walk_down(space, space.sample(rng), measured.excess, rng)
        is_new = candidate.id not in found and candidate.id not in measured.costs
        misses = 0 if is_new else misses + 1
        if is_new:
            above += measured.excess(candidate) > 1
            found[candidate.id] = candidate
    return list(found.values())
