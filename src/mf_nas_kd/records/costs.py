"""What a network costs to run: the columns, and the limits that a search may set on them.

Another cost is one more field of :class:`Costs` and of :class:`Limits`, counted in ``networks.cost.network_cost``, and
a migration of the store that adds its column.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from pydantic import BaseModel, ConfigDict, PositiveInt

from mf_nas_kd.records.fields import Record, Role, column


@dataclass(frozen=True)
class Costs(Record):
    """Costs of one forward pass on one image.

    Attributes:
        macs: Multiply-accumulates of convolutions and linear layers (normalisation, activations, additions and
            pooling are not counted, as in the published tables).
        params: Number of learned parameters, normalisation included.
    """

    macs: int = column(Role.COST, "multiply-accumulates")
    params: int = column(Role.COST)


class Limits(BaseModel):
    """Upper limits of the costs of a network; null for no limit. One field ``max_<cost>`` for each cost.

    Attributes:
        max_macs: Upper limit of the multiply-accumulates of one image.
        max_params: Upper limit of the number of parameters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_macs: PositiveInt | None
    max_params: PositiveInt | None

    @classmethod
    def of(cls, **maxima: int) -> Limits:
        """Limits of some costs, and none of the others.

        >>> str(Limits.of(max_macs=12_000))
        'macs <= 12,000'
        """
        return cls(**{**dict.fromkeys(cls.model_fields), **maxima})

    @property
    def maxima(self) -> dict[str, int]:
        """Limit of each cost that has one."""
        limits = {each.name: getattr(self, f"max_{each.name}") for each in fields(Costs)}
        return {name: limit for name, limit in limits.items() if limit is not None}

    def excess(self, costs: Costs) -> float:
        """The largest ratio of a cost to its limit; at most 1 is within the limits, 0 without limits."""
        return max((getattr(costs, name) / limit for name, limit in self.maxima.items()), default=0.0)

    def allow(self, costs: Costs) -> bool:
        """Whether a network is within all limits."""
        return self.excess(costs) <= 1

    def __str__(self) -> str:
        return " and ".join(f"{name} <= {limit:,}" for name, limit in self.maxima.items()) or "no limit"
