"""Settings of Kedro that differ from its defaults."""

from __future__ import annotations

import os
from pathlib import Path

from mf_nas_kd.hooks import ProjectHooks


def _inside_project(path: str) -> str:
    """Absolute path of a file of the project: SQLite's URLs are relative to the current folder otherwise."""
    source = Path(__file__).resolve().parents[2]
    root = source if (source / "pyproject.toml").is_file() else Path.cwd()
    return str(root / path)


HOOKS = (ProjectHooks(),)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # Environments state only the values that differ; by default they would replace a whole parameter.
    "merge_strategy": {"parameters": "soft"},
    "custom_resolvers": {"project": _inside_project, "environment": os.environ.get},
}
