"""The project's pipelines."""

from __future__ import annotations

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

NOT_IN_DEFAULT = {"benchmark"}


def register_pipelines() -> dict[str, Pipeline]:
    """Every folder of ``pipelines`` by its name; ``__default__`` is the whole flow."""
    pipelines = find_pipelines(raise_errors=True)
    pipelines["__default__"] = sum((p for name, p in pipelines.items() if name not in NOT_IN_DEFAULT), Pipeline([]))
    return pipelines
