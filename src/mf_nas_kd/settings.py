"""Kedro's settings: where this project differs from its defaults, and why."""

from __future__ import annotations

import os
from pathlib import Path

from mf_nas_kd.hooks import ProjectHooks


def _inside_project(path: str) -> str:
    """A path of the project, wherever the command was started: SQLite's URLs are relative to the current folder."""
    source = Path(__file__).resolve().parents[2]
    root = source if (source / "pyproject.toml").is_file() else Path.cwd()
    return str(root / path)


HOOKS = (ProjectHooks(),)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # Environments restate what differs inside a parameter; by default they would replace it as a whole, silently.
    "merge_strategy": {"parameters": "soft"},
    "custom_resolvers": {"project": _inside_project, "environment": os.environ.get},
}
