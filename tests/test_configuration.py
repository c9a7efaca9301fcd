"""The configuration itself: every entry is used, every parameter is typed, environments restate only what differs."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from itertools import chain
from pathlib import Path

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.framework.cli.utils import _split_params
from kedro.framework.project import configure_project, pipelines
from kedro.framework.startup import bootstrap_project
from pydantic import BaseModel, ValidationError

from mf_nas_kd.networks import teacher_fields
from mf_nas_kd.networks.own_input import INPUT_FIELDS
from mf_nas_kd.records import FIDELITY_COLUMNS
from mf_nas_kd.schema import FILE, parameter_models, parameters_schema, schema_text
from mf_nas_kd.search import STRATEGIES
from mf_nas_kd.seeding import canonical_json
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


MAY_BE_LEFT_OUT = {
    "strategies": set(STRATEGIES),  # what is used is looked for when a context is made
    "FidelityFilter": set(FIDELITY_COLUMNS),  # what is not said may be anything
    "Entry": {
        "options",
        "proxies",
        "continuation",
        "objective",
    },  # what differs from `strategies`; MACs and parameters; accuracy
}


def test_every_parameter_of_a_node_is_a_typed_model_that_refuses_unknown_fields(nodes, base):
    for name, model in parameter_models(nodes).items():
        assert issubclass(model, BaseModel), name
        value = base["parameters"][name]
        wrong = {**value, "no_such_field": 1} if isinstance(value, dict) else "no_such_value"
        with pytest.raises(ValidationError):
            model.model_validate(wrong)


def test_no_option_has_a_default_in_code_and_all_refuse_unknown_fields(nodes):
    for name, parameter in parameter_models(nodes).items():
        schema = parameter.model_json_schema()
        for title, model in [(name, schema), *schema.get("$defs", {}).items()]:
            if "properties" in model:
                assert model["additionalProperties"] is False, f"{name}: {title}"
            optional = set(model.get("properties", {})) - set(model.get("required", ()))
            unseen = optional - MAY_BE_LEFT_OUT.get(title, set())
            assert not unseen, f"{name}: {title} has defaults in code, so that conf/base does not show {unseen}"


def test_every_value_of_the_parameters_is_typed(nodes):
    def has_untyped(schema):
        if isinstance(schema, dict):
            return schema.get("additionalProperties") is True or any(map(has_untyped, schema.values()))
        return isinstance(schema, list) and any(map(has_untyped, schema))

    models = parameters_schema(parameter_models(nodes))["$defs"]
    assert {name for name, schema in models.items() if has_untyped(schema)} == set()


def test_the_schema_for_editors_is_that_of_the_models(nodes, project):
    assert (project / FILE).read_text(encoding="utf-8") == schema_text(nodes), f"{FILE} is stale: make schema"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_files_of_every_environment_go_with_the_schema(project, environment):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((project / FILE).read_text(encoding="utf-8"))
    for file in (project / "conf" / environment).rglob("parameters*.yml"):
        jsonschema.validate(yaml.safe_load(file.read_text()), schema)


def test_a_wrong_value_does_not_go_with_the_schema(project):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((project / FILE).read_text(encoding="utf-8"))
    for wrong in (
        {"serach": {}},
        {"search": {"strategy": "best"}},
        {"search": {"budget_seconds": -1}},
        {"images": {"options": {"digits": {"size": 8}}}},
        {"evaluation": {"low": {"schedules": {"third": {"train_fraction": 0.3}}}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_every_file_of_base_names_the_schema(project):
    for file in (project / "conf" / "base").glob("parameters*.yml"):
        first, _, _ = file.read_text().partition("\n")
        assert first == f"# yaml-language-server: $schema=../{FILE.name}", file.name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_parameters_of_every_environment_are_valid(nodes, project, environment):
    parameters = load(project, environment)
    valid = {name: model.model_validate(parameters[name]) for name, model in parameter_models(nodes).items()}
    valid["benchmark"].options_of(valid["strategies"])
    assert valid["strategies"].options_of(valid["search"].strategy)
    assert set(valid["evaluation"].low.distillation) <= set(valid["distillation"].root)


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def names_in(leaves, above):
    return {path[len(above)] for path in leaves if path[: len(above)] == above}


OWN_NAMES = [
    *(("evaluation", "low", names) for names in ("schedules", "widths", "image_sizes")),
    ("benchmark", "strategies"),
]


@pytest.mark.parametrize("environment", [name for name in ENVIRONMENTS if name != "base"])
def test_environments_restate_only_what_differs(project, environment):
    base = dict(leaves(load(project, "base")))
    loader = OmegaConfigLoader(str(project / "conf"), env=environment, **CONFIG_LOADER_ARGS)
    for file in (project / "conf" / environment).rglob("parameters*.yml"):
        own = loader.load_and_merge_dir_config(str(file.parent), [file.name], "parameters", set())
        for path, value in leaves(own):
            if any(path[:length] in base and base[path[:length]] is None for length in range(1, len(path))):
                continue  # a whole that base leaves out
            if value is None and any(known[: len(path)] == path for known in base):
                continue  # a whole of base that is left out here
            if any(path[: len(own)] == own and path[len(own)] not in names_in(base, own) for own in OWN_NAMES):
                continue  # one more
            assert path in base, f"{environment}: {path} is not a parameter of base"
            assert base[path] != value, f"{environment}: {path} is what base says already"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_validated_teacher_has_the_fields_of_the_configuration(nodes, project, environment):
    """They are part of the teacher's fingerprint, and so of the keys of evaluations."""
    parameters = load(project, environment)["teacher"]
    teacher = parameter_models(nodes)["teacher"].model_validate(parameters)
    for name, options in parameters["options"].items():
        fields = teacher_fields(name, teacher.options[name])
        assert canonical_json(_without_input(fields)) == canonical_json(_without_input(options))
    assert not set(INPUT_FIELDS) & set(teacher_fields("torchvision", teacher.options["torchvision"]))


def _without_input(fields):
    """What is as in the study is no field, so that descriptions are those of before such options; the rest is numbers."""
    return {name: value for name, value in fields.items() if name not in INPUT_FIELDS}


def test_what_environments_have_in_common_can_be_changed_in_part(project):
    given = {"training": {"hyper_parameters": {"learning_rate": 0.05}}, "teacher": {"epochs": 3}}
    loader = OmegaConfigLoader(str(project / "conf"), env="cifar100", runtime_params=given, **CONFIG_LOADER_ARGS)
    parameters = loader["parameters"]
    assert parameters["training"]["hyper_parameters"]["batch_size"] == 64
    assert parameters["training"]["hyper_parameters"]["learning_rate"] == 0.05
    assert parameters["teacher"]["builder"] == "resnet32x4"
    assert parameters["teacher"]["epochs"] == 3


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("evaluation.low.schedules.ninth=null", {("1/27", 20), ("1/3", 5)}),
        ("evaluation.low.schedules.third.epochs=3", {("1/27", 20), ("1/9", 12), ("1/3", 3)}),
        ("evaluation.low.schedules.half={train_fraction: 1/2}", None),
    ],
)
def test_the_command_line_changes_one_value_or_leaves_it_out(nodes, project, line, expected):
    schedules = low_of(nodes, project, line)
    found = schedules and {(str(fidelity.train_fraction), fidelity.epochs) for fidelity in schedules.values}
    assert found == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("evaluation.low.distillation.nst=false", ["none", "kd", "attention", "attention_balanced"]),
        ("evaluation.low.distillation.nst=null", ["none", "kd", "attention", "attention_balanced"]),
        ("evaluation.low.distillation.rkd=true", ["none", "kd", "attention", "attention_balanced", "nst", "rkd"]),
        ("evaluation.low.distillation=rkd", ["rkd"]),
    ],
)
def test_the_command_line_chooses_distillation_configurations(nodes, project, line, expected):
    assert list(low_of(nodes, project, line).distillation_names) == expected


def low_of(nodes, project, line):
    """The low fidelities with a line of ``--params``, as Kedro's command reads it; None if it is refused."""
    given = _split_params(None, None, line)
    loader = OmegaConfigLoader(str(project / "conf"), env="base", runtime_params=given, **CONFIG_LOADER_ARGS)
    try:
        return parameter_models(nodes)["evaluation"].model_validate(loader["parameters"]["evaluation"]).low
    except ValidationError:
        return None


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


def test_the_benchmark_scripts_read_the_configuration(project, monkeypatch):
    """They are not part of the package, and read the files of base themselves."""
    monkeypatch.syspath_prepend(str(project / "benchmarks"))
    monkeypatch.chdir(project)
    proposals, workers = (importlib.import_module(name) for name in ("proposals", "workers"))
    for name, options in proposals.base_options().items():
        STRATEGIES[name].Options.model_validate(options)
    assert workers.Study(candidates=2, epochs=1).run("inline", workers=1) > 0
