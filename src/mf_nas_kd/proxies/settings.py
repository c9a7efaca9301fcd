"""Settings of the zero-cost proxies: the parameter ``candidates.proxies``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PositiveInt, model_validator

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.proxies.az_nas import COMPONENTS
from mf_nas_kd.proxies.table import AGGREGATED, PROXIES
from mf_nas_kd.registry import NameIn, Options

KNOWN: Mapping[str, object] = {**PROXIES, AGGREGATED: None}


class ProxySettings(Options):
    """Zero-cost proxies that are computed of candidates, and from what.

    Attributes:
        use: Which ones, by their names in ``proxies.PROXIES``; ``az_nas`` needs its components.
        batch_size: Images in a batch; training images, or as many images of noise.
        gradient_batches: Number of batches whose gradients ``zico`` compares.
        initialisations: Number of initial weights over which a proxy is averaged.
        seed: Seed of images, initial weights and noise.
    """

    use: Mapping[Annotated[str, NameIn(KNOWN, "candidates.proxies.use")], bool]
    batch_size: Annotated[int, Field(ge=2)]
    gradient_batches: Annotated[int, Field(ge=2)]
    initialisations: PositiveInt
    seed: int

    @model_validator(mode="after")
    def _the_aggregate_has_its_components(self) -> ProxySettings:
        missing = [name for name in COMPONENTS if AGGREGATED in self.names and name not in self.names]
        if missing:
            allowed = f"used only with {', '.join(COMPONENTS)}; {', '.join(missing)} is not"
            raise InvalidValueError(f"candidates.proxies.use.{AGGREGATED}", True, allowed)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the proxies that are used, in the order of the table."""
        return tuple(name for name in KNOWN if self.use.get(name, False))

    def restricted(self, names: tuple[str, ...]) -> ProxySettings:
        """The settings with some of the proxies only, and those that they need."""
        needed = {*names, *(COMPONENTS if AGGREGATED in names else ())}
        return self.model_copy(update={"use": {name: name in needed for name in KNOWN}})
