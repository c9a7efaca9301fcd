"""Registry of the project's pipelines."""

from __future__ import annotations

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

NOT_IN_DEFAULT = {"benchmark"}


def register_pipelines() -> dict[str, Pipeline]:
    """Pipelines by the names of their folders; ``__default__`` is the sum of all but ``benchmark``."""
    pipelines = find_pipelines(raise_errors=True)
    pipelines["__default__"] = sum((p for name, p in pipelines.items() if name not in NOT_IN_DEFAULT), Pipeline([]))
    return pipelines
