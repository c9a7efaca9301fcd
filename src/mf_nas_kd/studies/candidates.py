"""Parameters of the candidates of a study: ``candidates`` of the configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from mf_nas_kd.proxies import ProxySettings


class CandidatesParameters(BaseModel):
    """Sample of architectures on which low fidelities are compared with the target fidelity.

    Attributes:
        count: Number of architectures; the intervals of the correlations shrink with its square root.
        max_macs: Most multiply-accumulates of one image that a candidate may have; None for no limit.
        seed: Seed of the sample.
        measure_latency: Whether the candidates' latency on this machine is measured, which makes it a zero-cost proxy.
        proxies: Zero-cost proxies of untrained networks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: Annotated[int, Field(ge=4)]
    max_macs: PositiveInt | None
    seed: int
    measure_latency: bool
    proxies: ProxySettings
