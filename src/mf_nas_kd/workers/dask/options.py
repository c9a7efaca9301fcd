"""Options of the executor ``dask``."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import PositiveFloat

from mf_nas_kd.registry import Options


class DaskOptions(Options):
    """Scheduler, and the resources of its workers that a training takes.

    Attributes:
        scheduler: Address of a scheduler that runs (``tcp://host:8786``); null starts one with workers on this machine.
        resources: Amount of each resource that a training takes (``{GPU: 1}``); workers without them get no trainings.
    """

    scheduler: str | None
    resources: Mapping[str, PositiveFloat]
