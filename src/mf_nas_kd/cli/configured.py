"""What commands have in common that read the configuration of a project."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import click
import yaml
from kedro.framework.cli.utils import _split_params, split_string
from kedro.framework.project import configure_logging, configure_project

from mf_nas_kd.errors import CommandLineError, UnknownArgumentError
from mf_nas_kd.parameters import RUNTIME_ONLY
from mf_nas_kd.paths import name_logging_file


def read_parameters(context: click.Context, option: click.Parameter, text: Any) -> Any:
    """Read ``--params`` as Kedro does; paths are taken as they are written, and no name may be given twice."""
    parsed = _split_params(context, option, text)
    if not isinstance(text, str):
        return parsed
    pairs = [item.partition("=") for item in split_string(context, option, text)]
    names = [name.strip() for name, _, _ in pairs]
    for first, second in itertools.combinations(names, 2):
        if second == first or second.startswith(f"{first}.") or first.startswith(f"{second}."):
            context.fail(f"--params gives {first} and {second}: each parameter once, and as a whole or in parts")
    written = {name: value for name, (_, _, value) in zip(names, pairs, strict=True)}
    return {**parsed, **{name: written[name] for name in RUNTIME_ONLY & written.keys()}}


def require_environment(conf: Path, environment: str | None) -> None:
    """Refuse an environment that has no folder in the configuration."""
    if not conf.is_dir():
        raise CommandLineError(f"there is no configuration in {conf}: run the command in the project, or --conf-source")
    there = sorted(folder.name for folder in conf.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if environment and environment not in there:
        raise UnknownArgumentError("--env", environment, there)


def configure() -> None:
    """Read the project's settings, and log as ``conf/logging.yml`` says: Kedro searches it in the current folder only.

    Settings import torch and MLflow, which takes seconds: only commands that run pipelines need them.
    """
    configure_project("mf_nas_kd")
    if not Path("conf/logging.yml").is_file() and name_logging_file():
        configure_logging(yaml.safe_load(Path(os.environ["KEDRO_LOGGING_CONFIG"]).read_text(encoding="utf-8")))
