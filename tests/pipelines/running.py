"""Run the project in this process, in a folder of its own."""

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from tests.conftest import PROJECT


def session(data_dir, env="smoke", **parameters):
    bootstrap_project(PROJECT)
    return KedroSession.create(project_path=PROJECT, env=env, runtime_params={"data_dir": str(data_dir), **parameters})


def run(data_dir, pipeline=None, env="smoke", outputs=None, **parameters):
    """Run the flow, or one pipeline; ``outputs`` are those entries to which a run is limited."""
    with session(data_dir, env, **parameters) as kedro:
        return kedro.run(pipeline_names=[pipeline] if pipeline else None, to_outputs=outputs)


def catalog(data_dir, env="smoke"):
    with session(data_dir, env) as kedro:
        return kedro.load_context().catalog
