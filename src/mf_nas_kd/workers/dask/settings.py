"""Options of the executor ``dask``."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, PositiveFloat


class DaskSettings(BaseModel):
    """Whose workers.

    Attributes:
        scheduler: Address of a scheduler that runs (``tcp://host:8786``); null starts one with workers on this machine.
        resources: What a training takes of a worker that offers it (``{GPU: 1}``), by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduler: str | None
    resources: Mapping[str, PositiveFloat]
