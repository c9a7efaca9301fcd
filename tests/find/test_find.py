"""``mf-nas-kd find``, as a person uses it: a plan first, then the study, and the same command again."""

import json
import shutil
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_digits

from mf_nas_kd.cli import program
from tests.conftest import PROJECT

CLASSES, IMAGES_A_CLASS = 3, 40

LESS = {
    "teacher": {"epochs": 1, "options": {"residual": {"stem": 8, "stages": [8, 16, 32]}}},
    "evaluation": {"full": {"epochs": 2}},
    "correlation": {"resamples": 50},
    "benchmark": {"seeds": 2, "workers": 1},
    "final": {"finalists": 1, "epochs": 2, "seeds": 1, "budget_seconds": 20.0, "references": False},
}
"""What the test changes in the plan, as a person may: less of everything."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a folder of images, one of which is none."""
    folder, digits = tmp_path_factory.mktemp("find"), load_digits()
    for label in range(CLASSES):
        (folder / "numbers" / str(label)).mkdir(parents=True)
        for index, image in enumerate(digits.images[digits.target == label][:IMAGES_A_CLASS]):
            Image.fromarray((image * 15.9).astype("uint8")).save(folder / "numbers" / str(label) / f"{index}.png")
    (folder / "numbers" / "0" / "broken.png").write_bytes(b"no image")
    return folder


def find(folder, *arguments):
    """Run the command in a process of its own, as it is run."""
    line = [sys.executable, "-m", "mf_nas_kd", "find", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def planned(folder):
    return find(folder, "numbers", "--budget=2m", "--no-mirror", "--dry-run")


@pytest.fixture(scope="module")
def study(folder, planned):
    """The study, run with less than planned."""
    path = folder / "numbers-study" / "conf" / "local" / "parameters.yml"
    values = yaml.safe_load(path.read_text())
    for name, less in LESS.items():
        values[name] = {**values.get(name, {}), **less}
    values["evaluation"]["low"]["schedules"]["short"] = {"train_fraction": 1, "epochs": 1}
    path.write_text(yaml.safe_dump(values))
    return find(folder, "numbers")


@pytest.mark.slow
def test_the_plan_says_what_was_found_how_long_it_takes_and_what_to_expect(planned, folder):
    assert planned.returncode == 0, planned.stderr
    said = planned.stdout
    assert "120 images of 3 classes" in said
    assert "at 8x8 pixels, grey" in said
    assert "mostly luck" in said
    assert "Nothing was trained" in said
    study = folder / "numbers-study"
    assert not list(study.glob("data/*/2_teacher"))
    head = (study / "conf/local/parameters.yml").read_text()
    assert "# The plan of `mf-nas-kd find numbers --budget=2m --no-mirror --dry-run`" in head
    assert "--no-mirror" not in said.partition("Found")[2]


@pytest.mark.slow
def test_the_study_runs_as_edited_and_ends_with_the_network(study, folder):
    assert study.returncode == 0, study.stderr
    assert "It was edited" in study.stdout
    network = folder / "numbers-study" / "network"
    assert f"Network: {network / 'model.onnx'}" in study.stdout
    assert "test accuracy" in study.stdout
    assert (folder / "numbers-study" / "report.html").stat().st_size > 10_000
    assert "100 %" not in study.stderr.partition("%")[0]
    assert "Error" not in study.stderr
    used = study.stdout.partition("Use it:")[2].splitlines()[2].split()
    image = folder / "numbers" / "1" / "0.png"
    told = subprocess.run([sys.executable, *used[1:-1], str(image)], capture_output=True, text=True)
    assert told.stdout.startswith(str(image)), told.stderr


@pytest.mark.slow
def test_kedro_works_in_the_folder_of_the_study(study, folder):
    line = [sys.executable, "-m", "kedro", "run", "--pipelines=correlation"]
    done = subprocess.run(line, cwd=folder / "numbers-study", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def refused(folder, monkeypatch, *arguments):
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(program, ["find", *arguments])
    assert result.exit_code != 0
    *warnings, error = result.stderr.splitlines()
    assert error.startswith("Error: ")
    assert not any("Error" in line for line in warnings)
    return error


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["numbers", "--budget=soon"], "--budget is 'soon', but must be a duration"),
        (["numbers", "--budget=5s"], "at least a minute"),
        (["numbers", "--max-macs=lots"], "--max-macs is 'lots'"),
        (["numbers", "--image-size=2"], "--image-size"),
        (["nowhere"], "nowhere"),
        (["numbers/0"], "numbers/0"),
        (["numbers", "--study=numbers"], "must be one that does not exist yet, or an empty one"),
    ],
)
def test_what_cannot_be_is_one_line_before_anything_is_made(folder, monkeypatch, arguments, told):
    before = {path.name for path in folder.iterdir()}
    assert told in refused(folder, monkeypatch, *arguments)
    assert {path.name for path in folder.iterdir()} == before


@pytest.fixture
def made(folder, tmp_path):
    """A study with a plan, without its data."""
    from mf_nas_kd.project import create_project

    create_project(tmp_path / "s", "numbers", "", environments=False)
    (tmp_path / "s/conf/local/parameters.yml").write_text("final: {epochs: 3}\n")
    known = {"images": str(folder / "numbers"), "options": "--budget 5m", "seconds": {}, "lines": [], "parameters": ""}
    (tmp_path / "s/find.json").write_text(json.dumps(known))
    return tmp_path / "s"


def test_other_options_than_those_of_the_plan_are_not_ignored(folder, made, monkeypatch):
    told = refused(folder, monkeypatch, "numbers", f"--study={made}", "--max-macs=1M")
    assert "was planned with --budget 5m, and not with --max-macs 1M: add --replan" in told
    assert "--replan" in told


def test_a_study_is_of_one_folder_of_images(folder, made, monkeypatch, tmp_path):
    shutil.copytree(folder / "numbers", tmp_path / "others")
    told = refused(folder, monkeypatch, str(tmp_path / "others"), f"--study={made}")
    assert f"the study there is one of {folder / 'numbers'}" in told


def test_a_limit_below_every_network_is_refused(folder, monkeypatch, tmp_path):
    told = refused(folder, monkeypatch, "numbers", f"--study={tmp_path / 's'}", "--max-macs=10")
    assert "has macs <= 10" in told


def test_the_project_is_not_changed_by_find():
    assert not list(PROJECT.glob("*-study"))
