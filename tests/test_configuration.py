"""The configuration itself: every entry is used, every parameter is typed, environments restate only what differs."""

import inspect
import os
import shutil
import subprocess
import sys
import textwrap
import typing
from itertools import chain
from pathlib import Path

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.framework.project import configure_project, pipelines
from kedro.framework.startup import bootstrap_project
from pydantic import BaseModel, RootModel

from mf_nas_kd.settings import CONFIG_LOADER_ARGS

ENVIRONMENTS = [p.name for p in (Path(__file__).parents[1] / "conf").iterdir() if p.is_dir() and p.name != "local"]


@pytest.fixture(scope="module")
def nodes(project):
    bootstrap_project(project)
    configure_project("mf_nas_kd")
    return [node for pipeline in pipelines.values() for node in pipeline.nodes]


@pytest.fixture(scope="module")
def base(project):
    return OmegaConfigLoader(str(project / "conf"), env="base", **CONFIG_LOADER_ARGS)


def load(project, environment):
    return OmegaConfigLoader(str(project / "conf"), env=environment, **CONFIG_LOADER_ARGS)["parameters"]


def top_level(name):
    return name.removeprefix("params:").partition(".")[0]


def test_every_catalog_entry_is_used_and_every_dataset_is_in_the_catalog(nodes, base):
    used = {name for node in nodes for name in (*node.inputs, *node.outputs) if not name.startswith("params:")}
    assert {name for name in base["catalog"] if not name.startswith("_")} == used


def test_every_parameter_is_read_by_a_node_and_every_input_is_configured(nodes, base):
    read = {top_level(name) for node in nodes for name in node.inputs if name.startswith("params:")}
    assert set(base["parameters"]) == read


def test_every_parameter_of_a_node_is_a_typed_model_that_refuses_unknown_fields(nodes):
    for node in nodes:
        arguments = list(inspect.signature(node.func, eval_str=True).parameters.values())
        for name, argument in zip(node.inputs, arguments, strict=True):
            if name.startswith("params:"):
                model = argument.annotation
                assert issubclass(model, BaseModel), f"{node.name}: {name}"
                entries = (
                    typing.get_args(model.model_fields["root"].annotation)[1:] if issubclass(model, RootModel) else ()
                )
                for checked in entries or (model,):  # a mapping by name has no fields of its own, its entries have
                    assert checked.model_config["extra"] == "forbid", f"{node.name}: {name}"
                defaults = [field for field, info in model.model_fields.items() if not info.is_required()]
                assert not defaults, f"{name}: {defaults} have defaults in code, so that conf/base does not show them"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_parameters_of_every_environment_are_valid(nodes, project, environment):
    parameters = load(project, environment)
    for node in nodes:
        arguments = list(inspect.signature(node.func, eval_str=True).parameters.values())
        for name, argument in zip(node.inputs, arguments, strict=True):
            if name.startswith("params:"):
                argument.annotation.model_validate(parameters[top_level(name)])


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


@pytest.mark.parametrize("environment", [name for name in ENVIRONMENTS if name != "base"])
def test_environments_restate_only_what_differs(project, environment):
    base = dict(leaves(load(project, "base")))
    for file in (project / "conf" / environment).rglob("parameters*.yml"):
        for path, value in leaves(yaml.safe_load(file.read_text())):
            if any(path[:length] in base and base[path[:length]] is None for length in range(1, len(path))):
                continue  # a whole that base leaves out
            if value is None and any(known[: len(path)] == path for known in base):
                continue  # a whole of base that is left out here
            assert path in base, f"{environment}: {path} is not a parameter of base"
            assert base[path] != value, f"{environment}: {path} is what base says already"


def test_every_dataset_has_a_layer(base):
    for name, entry in base["catalog"].items():
        if not name.startswith("_"):
            assert entry["metadata"]["kedro-viz"]["layer"], name


def test_telemetry_is_off(project):
    assert yaml.safe_load((project / ".telemetry").read_text()) == {"consent": False}
    # As a user's process has it, without what pytest or make set. MLflow reads the variable when it is imported.
    code = """
        import os, sys
        from kedro.framework.cli.cli import KedroCLI
        KedroCLI(os.getcwd()).project_groups
        import mlflow.telemetry
        sys.exit(mlflow.telemetry.get_telemetry_client() is not None)
    """
    ours = {"CI", "DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "PYTEST_CURRENT_TEST"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    process = [sys.executable, "-c", textwrap.dedent(code)]
    assert subprocess.run(process, cwd=project, env=environment, check=False).returncode == 0


def test_another_database_is_one_line(project, tmp_path):
    shutil.copytree(project / "conf", tmp_path / "conf")
    mine = tmp_path / "conf" / "mine"
    mine.mkdir()
    (mine / "globals.yml").write_text("store_url: postgresql://team@host/studies\n")
    entries = OmegaConfigLoader(str(tmp_path / "conf"), env="mine", **CONFIG_LOADER_ARGS)["catalog"]
    assert {entries[name]["url"] for name in ("evaluations", "evaluation_store")} == {"postgresql://team@host/studies"}


def test_every_declared_dependency_has_an_exact_version(project):
    import re
    import tomllib

    declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    everything = [*declared["dependencies"], *chain(*declared["optional-dependencies"].values())]
    names = {re.split(r"[\[~>=<]", requirement)[0].lower().replace("_", "-") for requirement in everything}
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (project / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    assert names - {declared["name"]} <= pinned, names - pinned
