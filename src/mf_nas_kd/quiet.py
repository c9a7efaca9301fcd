"""What other packages say at a start that does not concern a person who runs the project.

``pyproject.toml`` registers :func:`silence_imports` as a plugin of Kedro, which calls it before it imports MLflow.
"""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

UNWANTED_WARNINGS = ("Add type hints to the `predict` method", "register_new_resolver() is deprecated")

UNWANTED = {
    "kedro.runner.sequential_runner": ("You can resume the pipeline run", "No nodes ran.", "Using synchronous mode"),
    "kedro.runner.thread_runner": ("You can resume the pipeline run", "No nodes ran.", "Using synchronous mode"),
    "kedro.runner.parallel_runner": ("You can resume the pipeline run", "No nodes ran.", "Using synchronous mode"),
    "kedro_mlflow.framework.hooks.mlflow_hook": ("Registering new custom resolver",),
}
"""Beginnings or parts of messages that are left out, by their loggers. The same command goes on after an error."""


def silence_imports() -> None:
    """Leave out the warnings that packages give when they are imported, and send no usage data.

    A filter of :mod:`warnings` would not do: packages put their own before it when they are imported.
    """
    os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "true")  # as .telemetry says, which is read in the project only
    show = warnings.showwarning

    def show_others(message: Warning | str, *details: Any, **more: Any) -> None:
        if not any(part in str(message) for part in UNWANTED_WARNINGS):
            show(message, *details, **more)

    warnings.showwarning = show_others


def silence_logs() -> None:
    """Leave out the messages of ``UNWANTED``."""
    for name, parts in UNWANTED.items():
        logging.getLogger(name).addFilter(_Without(parts))


class _Without(logging.Filter):
    """Filter of messages that contain one of some texts; equal to any other of its kind, so that one is added once."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        super().__init__()
        self._parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Without)

    def __hash__(self) -> int:
        return hash(type(self))

    def filter(self, record: logging.LogRecord) -> bool:
        return not any(part in record.getMessage() for part in self._parts)
