"""Registry of the project's pipelines."""

from __future__ import annotations

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

from mf_nas_kd.pipelines import FLOW


def register_pipelines() -> dict[str, Pipeline]:
    """Pipelines by the names of their folders, in the order of the flow; the first is the whole flow."""
    found = find_pipelines(raise_errors=True)
    of_flow = {name: found[name] for name in FLOW if name in found}  # those that were asked for
    others = {name: pipeline for name, pipeline in found.items() if name not in (*FLOW, "__default__")}
    return {"__default__": sum(of_flow.values(), Pipeline([])), **of_flow, **others}
