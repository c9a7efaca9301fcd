"""Options of the executor ``dask``."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import PositiveFloat

from mf_nas_kd.registry import Options


class DaskOptions(Options):
    """Which scheduler, and which of its workers.

    Attributes:
        scheduler: Address of a scheduler that runs (``tcp://host:8786``); null starts one with workers on this machine.
        resources: What a training takes of a worker that offers it (``{GPU: 1}``), by name.
    """

    scheduler: str | None
    resources: Mapping[str, PositiveFloat]
