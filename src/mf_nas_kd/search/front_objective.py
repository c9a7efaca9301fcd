"""The Pareto front as the objective of a search: which cost stands against the score, and the front of a history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from mf_nas_kd.errors import InvalidValueError

Objective = Literal["accuracy", "front"]
FrontCost = Literal["macs", "params", "latency_ms", "activation_kib"]

ACCURACY_OBJECTIVE: Objective = "accuracy"
FRONT_OBJECTIVE: Objective = "front"
FRONT_COSTS: tuple[str, ...] = get_args(FrontCost)


@dataclass(frozen=True)
class FrontObjective:
    """The front of score against a cost that is known without training.

    Attributes:
        cost: Name of the cost, one of ``FRONT_COSTS``.
        values: The cost of each candidate, by its stable name; above 0.
    """

    cost: str
    values: Mapping[str, float]

    def require(self, names: Iterable[str]) -> None:
        """Check that the cost of every candidate is known.

        Raises:
            InvalidValueError: If it is missing, or not above 0, for any of them.
        """
        wanted = list(names)
        missing = sum(not self.values.get(name, 0.0) > 0 for name in wanted)
        if missing:
            raise InvalidValueError(
                f"candidates whose {self.cost} was not measured",
                f"{missing} of {len(wanted)}",
                "0: see search.front_cost",
            )
