"""A study in a folder of its own, made by the repository and by an installed wheel."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
import yaml
from click.testing import CliRunner

from mf_nas_kd.cli import program
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.paths import is_project
from mf_nas_kd.project import create_project, study_name


def test_a_study_has_the_configuration_its_name_and_the_settings_of_kedro(tmp_path, project):
    create_project(tmp_path / "s", "2026", "mf-nas-kd new s", environments=True)
    assert is_project(tmp_path / "s")
    for name in ("base/catalog.yml", "cifar100/parameters.yml", "parameters.schema.json"):
        assert (tmp_path / "s/conf" / name).read_bytes() == (project / "conf" / name).read_bytes()
    assert yaml.safe_load((tmp_path / "s/conf/base/globals.yml").read_text())["study"] == "2026"
    assert "mf-nas-kd new s" in (tmp_path / "s/README.md").read_text()


def test_a_study_of_find_has_no_other_environments(tmp_path):
    create_project(tmp_path / "s", "s", "", environments=False)
    assert sorted(path.name for path in (tmp_path / "s/conf").iterdir() if path.is_dir()) == ["base", "local"]


def test_a_folder_with_something_in_it_is_no_place_for_a_study(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InvalidValueError, match="must be one that does not exist yet, or an empty one"):
        create_project(tmp_path, "s", "", environments=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "a" * 101, "ü"])
def test_a_name_that_paths_and_mlflow_may_refuse_is_refused(tmp_path, name):
    with pytest.raises(InvalidValueError, match="the name of a study"):
        create_project(tmp_path / "s", name, "", environments=False)
    assert study_name(name)  # any text has a name that is allowed
    create_project(tmp_path / "t", study_name(name), "", environments=False)


def test_the_command_without_arguments_shows_help():
    result = CliRunner().invoke(program, [])
    assert result.exit_code == 0
    assert "find" in result.output
    assert "Usage: mf-nas-kd" in result.output


@pytest.fixture(scope="module")
def installed(tmp_path_factory, project):
    """The package as a wheel unpacks it, built from a copy of the files that belong to it."""
    pytest.importorskip("hatchling", reason="hatchling is not installed: it comes with the extra dev")
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("src", "conf"):
        shutil.copytree(project / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(project / name, source / name)
    (source / "conf/local").mkdir(exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=source, check=True, capture_output=True
    )
    (wheel,) = (source / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(built)
    return built


def test_an_installed_package_makes_a_study_that_runs_outside_of_the_repository(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed), "KEDRO_LOGGING_CONFIG": ""}
    environment.pop("KEDRO_LOGGING_CONFIG")
    environment |= {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "MLFLOW_ARTIFACT_LOCATION": str(tmp_path)}

    def command(*arguments, folder):
        line = [sys.executable, "-m", "mf_nas_kd", *arguments]
        return subprocess.run(line, cwd=folder, env=environment, check=True, capture_output=True, text=True)

    command("new", "a study", folder=tmp_path)
    study = tmp_path / "a study"
    where = subprocess.run(
        [sys.executable, "-c", "import mf_nas_kd; print(mf_nas_kd.__file__)"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert where.stdout.startswith(str(installed))
    command("run", "--env=smoke", "--pipelines=data", folder=study)
    assert (study / "data/smoke/1_images/class_counts.csv").is_file()
