"""Sessions of Kedro in the folder of a study."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import yaml
from kedro.framework.project import configure_logging, settings
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import CatalogProtocol
from kedro.runner import SequentialRunner

from mf_nas_kd.parameters import ProjectConfigLoader, checked_parameters
from mf_nas_kd.paths import packaged_configuration
from mf_nas_kd.progress import BesideBar

LOG = "find.log"


def environment_parameters(name: str | None) -> dict[str, Any]:
    """Parameters of an environment of this package, without those of its images; none for None."""
    if name is None:
        return {}
    loader = ProjectConfigLoader(str(packaged_configuration()), env=name, **settings.CONFIG_LOADER_ARGS)
    (values,) = (layer.values for layer in loader.layers() if layer.where == f"conf/{name}")
    return {key: value for key, value in values.items() if key != "images"}


def loaded(folder: Path, parameters: Mapping[str, Any]) -> tuple[CatalogProtocol[Any, Any], dict[str, Any]]:
    """Catalog of a study, and its parameters, each an instance of its model.

    Args:
        folder: Folder of the study.
        parameters: Parameters that differ from those of its files.
    """
    with KedroSession.create(project_path=folder, runtime_params=dict(parameters)) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # of the session that is made here
        return context.catalog, checked_parameters(context.config_loader)


def run_pipelines(folder: Path, name: str, parameters: Mapping[str, Any]) -> None:
    """Run a pipeline in the folder of a study, where kedro-viz looks for a project.

    Args:
        folder: Folder of the study.
        name: Name of the pipeline.
        parameters: Parameters that differ from those of the study's files.
    """
    bootstrap_project(folder)
    with chdir(folder), KedroSession.create(project_path=folder, runtime_params=dict(parameters)) as session:
        session.run(pipeline_names=[name], runner=SequentialRunner())  # type: ignore[call-arg]  # of this session


def log_into(folder: Path) -> None:
    """Log everything into a file of the study, and only warnings to the person, beside the bar."""
    logging_settings = yaml.safe_load((folder / "conf" / "logging.yml").read_text(encoding="utf-8"))
    file = {"class": "logging.FileHandler", "filename": str(folder / LOG), "formatter": "plain", "delay": True}
    logging_settings["handlers"], logging_settings["root"]["handlers"] = {"file": file}, ["file"]
    configure_logging(logging_settings)
    logging.getLogger().addHandler(BesideBar())
