"""A path means the same file wherever a command is started, whatever characters it has."""

from pathlib import Path

import click
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.io import Version
from sqlalchemy.engine import make_url

from mf_nas_kd.cli.configured import read_parameters
from mf_nas_kd.datasets import AtomicCSVDataset, AtomicJSONDataset, BinaryDataset
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.parameters import ProjectConfigLoader, checked_parameters
from mf_nas_kd.paths import absolute, sqlite_url, store_url
from mf_nas_kd.settings import CONFIG_LOADER_ARGS
from mf_nas_kd.store import EvaluationStore
from tests.conftest import PROJECT

ODD = [
    "plain", "a%41", "aA", "a%2541", "q?x=1", "q", "h#1", "h", "two words", "[1]", "1", "[!x]", "*", "a*b", "c:d", "é", "e\u0301",
    "a&b=c", "a;b", "a+b", "a'b", 'a"b', "a\\b", "{x}", "@host", "~", "a~b", "$HOME", "(a)", ".hidden", "-x", "%", "%zz", "123", "null",
    " leading", "a: b", "a #b", "[x", "日本",
]  # fmt: skip
"""Names of folders that mean something else in URLs, YAML, patterns or shells; some differ only there."""


def read(text):
    """The parameters of ``--params``, as the command reads them."""
    command = click.Command("run")
    return read_parameters(click.Context(command), click.Option(["--params"]), text)


def entries(text):
    return ProjectConfigLoader(str(PROJECT / "conf"), env="smoke", runtime_params=read(text), **CONFIG_LOADER_ARGS)[
        "catalog"
    ]


def url_of(folder):
    return entries(f"data_dir={folder}")["evaluations"]["url"]


@pytest.mark.parametrize("name", ODD)
def test_the_store_lies_in_the_folder_that_was_named(tmp_path, name):
    folder = tmp_path / name
    EvaluationStore(url_of(folder))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [folder / "3_evaluation" / "evaluations.db"]


def test_two_folders_never_share_a_store(tmp_path):
    assert len({make_url(url_of(tmp_path / name)).database for name in ODD}) == len(ODD)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kind", [AtomicCSVDataset, AtomicJSONDataset, BinaryDataset])
def test_versions_below_any_folder_are_found_again(tmp_path, name, kind):
    path = str(tmp_path / name / "result")
    values = {AtomicCSVDataset: pd.DataFrame({"a": [1]}), AtomicJSONDataset: {"a": 1}, BinaryDataset: b"1"}
    newest = kind(filepath=path, version=Version(None, "2026-01-02T00.00.00.000Z"))
    assert not newest.exists()
    kind(filepath=path, version=Version(None, "2026-01-01T00.00.00.000Z")).save(values[kind])
    newest.save(values[kind])
    again = kind(filepath=path, version=Version(None, None))
    assert again.exists()
    assert again.resolve_load_version() == "2026-01-02T00.00.00.000Z"
    assert again.list_versions(full_path=False) == ["2026-01-02T00.00.00.000Z", "2026-01-01T00.00.00.000Z"]
    assert str(again.load()) == str(values[kind]) or again.load().shape == (1, 1)


@given(st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1))
def test_the_url_of_a_sqlite_file_leads_back_to_it(name):
    path = f"/studies/{name}/evaluations.db"
    if "://" not in path:
        assert make_url(sqlite_url(path)).database == path


@pytest.mark.parametrize("folder", ["study", "./a/../study", "~/study", "deep/er"])
def test_a_folder_is_the_same_wherever_a_command_is_started(tmp_path, monkeypatch, folder):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = set()
    for here in (PROJECT, PROJECT / "docs", tmp_path):
        monkeypatch.chdir(here)
        found.add(entries(f"data_dir={folder}")["images"]["filepath"])
    wanted = tmp_path / "home" / "study" if folder.startswith("~") else PROJECT / folder
    assert found == {str(wanted / "1_images" / "images.safetensors")}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("teacher.weights=weights.pt", lambda parameters: parameters["teacher"].weights),
        ("teacher.weights=~/weights.pt", lambda parameters: parameters["teacher"].weights),
        ("images_dir=weights.pt", lambda parameters: parameters["images"].options["image_folder"].folder),
        ("images.options.image_folder.folder=weights.pt", lambda parameters: parameters["images"].options["image_folder"].folder),
        ("images.group.csv=weights.pt", lambda parameters: parameters["images"].group.csv),
        ("images.options.cifar10.folder=~/weights.pt", lambda parameters: parameters["images"].options["cifar10"].folder),
    ],
)  # fmt: skip
def test_every_parameter_that_is_a_path_is_resolved_alike(monkeypatch, tmp_path, text, wanted):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    loader = ProjectConfigLoader(
        str(PROJECT / "conf"), env="image_folder", runtime_params=read(text), **CONFIG_LOADER_ARGS
    )
    folder = tmp_path if "~" in text else PROJECT
    assert str(wanted(checked_parameters(loader))) == str(folder / "weights.pt")


@pytest.mark.parametrize(
    ("environment", "name", "field"),
    [("published", "published_dir", "folder"), ("nas_bench_201_table", "nas_bench_201_csv", "filepath")],
)
@pytest.mark.parametrize(
    ("path", "expected"),
    [("tables", str(PROJECT / "tables")), ("https://host/a?b=c", "https://host/a?b=c"), ("/a b#c", "/a b#c")],
)
def test_paths_of_published_tables(environment, name, field, path, expected):
    given_ = read(f"{name}={path}")
    loader = ProjectConfigLoader(str(PROJECT / "conf"), env=environment, runtime_params=given_, **CONFIG_LOADER_ARGS)
    assert loader["catalog"]["benchmark_tables"]["dataset"][field] == expected


def test_no_path_is_none_and_an_empty_one_is_refused():
    assert absolute(None) is None
    for wrong in ("", "  ", 3):
        with pytest.raises(InvalidValueError, match="must be the path of a file or folder"):
            absolute(wrong)


def test_a_store_that_is_named_is_the_same_wherever_the_command_is_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert store_url("sqlite:///data/mine.db") == sqlite_url(PROJECT / "data" / "mine.db")
    assert store_url("sqlite:///~/a%20b.db") == sqlite_url(Path.home() / "a b.db")
    once = sqlite_url("/studies/a%41?b#c.db")
    assert store_url(once) == once
    for untouched in ("sqlite://", "postgresql+psycopg://user@host/studies", "no address"):
        assert store_url(untouched) == untouched
