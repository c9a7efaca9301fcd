"""What a network costs to run: the columns, and the limits that a search may set on them.

Another cost is one more field of :class:`Costs` and of :class:`Limits`, counted in ``networks.cost.network_cost``, and
a migration of the store that adds its column. Costs that depend on a device are in :mod:`.device_costs`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

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


@dataclass(frozen=True)
class AllCosts:
    """Costs of a network, counted ones and those on a device; as far as limits know them.

    Attributes:
        counted: Multiply-accumulates and parameters.
        latency_ms: Time of one run, in milliseconds: what another measurement is expected to stay below.
        activation_kib: Peak memory of activations, in KiB.
        model_kib: Size of the model, in KiB.
    """

    counted: Costs
    latency_ms: float
    activation_kib: float
    model_kib: float

    def to_row(self) -> dict[str, float]:
        """Values of all costs by name."""
        return self.counted.to_row() | {name: getattr(self, name) for name in ON_DEVICE}


ON_DEVICE = tuple(each.name for each in fields(AllCosts) if each.name != "counted")
"""Names of the costs on a device that can be limited."""


class Limits(BaseModel):
    """Upper limits of the costs of a network; null for no limit. One field ``max_<cost>`` for each cost.

    Attributes:
        max_macs: Upper limit of the multiply-accumulates of one image.
        max_params: Upper limit of the number of parameters.
        max_latency_ms: Upper limit of the time of one image on the device, in milliseconds.
        max_activation_kib: Upper limit of the peak memory of activations, in KiB.
        max_model_kib: Upper limit of the size of the model, in KiB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_macs: PositiveInt | None
    max_params: PositiveInt | None
    max_latency_ms: PositiveFloat | None
    max_activation_kib: PositiveFloat | None
    max_model_kib: PositiveFloat | None

    @classmethod
    def of(cls, **maxima: float | None) -> Limits:
        """Limits of some costs, and none of the others.

        >>> str(Limits.of(max_macs=12_000))
        'macs <= 12,000'
        """
        return cls.model_validate({**dict.fromkeys(cls.model_fields), **maxima})

    @property
    def maxima(self) -> dict[str, float]:
        """Limit of each cost that has one."""
        limits = {name.removeprefix("max_"): getattr(self, name) for name in Limits.model_fields}
        return {name: limit for name, limit in limits.items() if limit is not None}

    @property
    def counted(self) -> Limits:
        """Those of the limits that need no device."""
        return Limits.of(**{f"max_{name}": limit for name, limit in self.maxima.items() if name not in ON_DEVICE})

    @property
    def need_device(self) -> bool:
        """Whether a cost on a device is limited."""
        return any(name in ON_DEVICE for name in self.maxima)

    def excess(self, costs: Costs | AllCosts) -> float:
        """The largest ratio of a cost to its limit; at most 1 is within the limits, 0 without limits.

        Raises:
            KeyError: If a cost on a device is limited, and the costs are counted ones only.
        """
        values = costs.to_row()
        return max((values[name] / limit for name, limit in self.maxima.items()), default=0.0)

    def allow(self, costs: Costs | AllCosts) -> bool:
        """Whether a network is within all limits."""
        return self.excess(costs) <= 1

    def __str__(self) -> str:
        return " and ".join(f"{name} <= {limit:,}" for name, limit in self.maxima.items()) or "no limit"
