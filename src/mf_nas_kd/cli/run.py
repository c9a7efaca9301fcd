"""The command ``run``: Kedro's, after what the command line names has been looked up."""

from __future__ import annotations

import copy
import logging
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from mf_nas_kd.cli.configured import configure, read_parameters, require_environment
from mf_nas_kd.cli.group import Command
from mf_nas_kd.errors import UnknownArgumentError
from mf_nas_kd.parameters import all_pipelines, pipeline_names, unreadable
from mf_nas_kd.paths import project_folder
from mf_nas_kd.quiet import silence_logs

logger = logging.getLogger(__name__)

RUNNERS = ("SequentialRunner", "ThreadRunner", "ParallelRunner")

NAMING = {
    "node_names": ("--nodes", "nodes"),
    "from_nodes": ("--from-nodes", "nodes"),
    "to_nodes": ("--to-nodes", "nodes"),
    "tags": ("--tags", "tags"),
    "from_inputs": ("--from-inputs", "entries"),
    "to_outputs": ("--to-outputs", "entries"),
    "load_versions": ("--load-versions", "entries"),
}
"""Arguments of ``run`` that name parts of pipelines: the option, and what it names."""


def _require_names(options: Mapping[str, Any], chosen: Iterable[str]) -> None:
    """Refuse nodes, tags and catalog entries that the chosen pipelines do not have."""
    if not any(options[option] for option in NAMING):
        return
    stages = all_pipelines()
    nodes = [node for name in chosen for node in stages[name].nodes]
    known = {
        "nodes": {node.name for node in nodes},
        "tags": {tag for node in nodes for tag in node.tags},
        "entries": {entry for node in nodes for entry in (*node.inputs, *node.outputs)},
    }
    for option, (name, kind) in NAMING.items():
        for value in options[option] or ():
            if value not in known[kind]:
                raise UnknownArgumentError(name, value, known[kind])


def _end_tracking(status: str) -> None:
    """End MLflow's run where Kedro does not: it ends as finished otherwise, with this process."""
    from mf_nas_kd import tracking  # imports MLflow, which takes seconds

    try:
        tracking.end_run(status)
    except Exception as failure:
        logger.warning("MLflow's run could not be ended as %s: %s", status, failure)


@contextmanager
def ended_properly(conf: Path, environment: str | None) -> Iterator[None]:
    """Within the block pipelines run: an error ends MLflow's run too, and names a file that cannot be read."""
    try:
        with _ended_by_signals():
            yield
    except BaseException as failure:
        _end_tracking("FAILED" if isinstance(failure, Exception) else "KILLED")
        culprit = unreadable(conf, environment) if isinstance(failure, Exception) else None
        if culprit is None:
            raise
        raise culprit from failure


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Within the block, SIGTERM and SIGHUP interrupt as Ctrl-C does: batch systems and closed terminals send them."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(**options: Any) -> Any:
    """Run pipelines, after what the command line names has been looked up."""
    if options["pipeline"] and not options["pipelines"]:  # Kedro warns of this spelling
        options["pipelines"], options["pipeline"] = [options["pipeline"]], None
    names = options["pipelines"]
    for name in names:
        if name not in [*pipeline_names(), "__default__"]:
            raise UnknownArgumentError("--pipelines", name, [*pipeline_names(), "__default__"])
    conf = Path(options["conf_source"] or project_folder() / "conf")
    environment = options["env"] or os.environ.get("KEDRO_ENV")
    if "://" not in str(conf) and not conf.is_file():  # neither remote nor an archive
        require_environment(conf, environment)
        options["conf_source"] = str(conf)
    _require_names(options, names if names and "__default__" not in names else pipeline_names())
    if options["runner"] and "." not in options["runner"] and options["runner"] not in RUNNERS:
        raise UnknownArgumentError("--runner", options["runner"], RUNNERS)
    configure()
    silence_logs()
    with ended_properly(conf, environment):
        return kedro_run.callback(**options)  # type: ignore[misc]  # every command of Kedro has one


def _options_of_run() -> list[click.Parameter]:
    """Kedro's options of ``run``; ``--params`` is read here."""
    options = [copy.copy(option) for option in kedro_run.params]
    for option in options:
        if option.name == "params":
            option.callback = read_parameters
    return options


run = Command("run", params=_options_of_run(), callback=_run, help="Run the flow, or some of its pipelines.")
