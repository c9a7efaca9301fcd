"""A study as a folder of its own: a Kedro project whose pipelines are those of this package."""

from __future__ import annotations

import re
import shutil
from importlib.resources import files
from pathlib import Path

import kedro
import yaml
from jinja2 import Environment

from mf_nas_kd import __version__
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.files import written_whole
from mf_nas_kd.paths import packaged_configuration

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
FILES = {
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "telemetry": ".telemetry",
    "pyproject.toml": "pyproject.toml",
}
"""Files of a study by those that they are made from; the last one makes it a project."""
ALWAYS = {"base", "logging.yml", "parameters.schema.json"}
"""What every study has of the configuration; the rest are environments for other images and tables."""


def create_project(folder: Path, study: str, command: str, environments: bool) -> None:
    """Make a study.

    Args:
        folder: Where it is made: a folder that does not exist, or an empty one.
        study: Its name, which its data and its experiment in MLflow get.
        command: How it was made, for its README.
        environments: Whether it has the environments of the repository besides ``base``.

    Raises:
        InvalidValueError: If the folder is not empty, or the name has characters other than letters, digits, ``_.-``.
    """
    if not NAME.fullmatch(study):
        raise InvalidValueError("the name of a study", study, "letters, digits and _ . -, the first one no sign")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidValueError("the folder of a study", str(folder), "one that does not exist yet, or an empty one")
    source = packaged_configuration()
    for path in sorted(source.iterdir()):
        if path.name in ALWAYS or (environments and path.is_dir() and path.name != "local"):
            _copy(path, folder / "conf" / path.name)
    (folder / "conf" / "local").mkdir(parents=True, exist_ok=True)
    _name_study(folder / "conf" / "base" / "globals.yml", study)
    (folder / "data").mkdir(exist_ok=True)
    values = {
        "study": study,
        "version": __version__,
        "kedro_version": kedro.__version__,
        "command": command,
        "environments": environments,
    }
    for name, target in FILES.items():
        text = (files(__name__) / "files" / name).read_text(encoding="utf-8")
        made = Environment(autoescape=False, keep_trailing_newline=True).from_string(text).render(values)  # noqa: S701
        with written_whole(folder / target) as temporary:
            temporary.write_text(made, encoding="utf-8")


def study_name(text: str) -> str:
    """A name for a study, made of any text.

    >>> study_name("My images (2)")
    'My_images_2'
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.-")[:100] or "study"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _name_study(path: Path, study: str) -> None:
    """Replace the name of the study in ``globals.yml``, whose comments stay."""
    text = path.read_text(encoding="utf-8")
    named = re.sub(r"(?m)^study: .*$", f"study: {study}", text, count=1)
    if yaml.safe_load(named)["study"] != study:
        named = re.sub(r"(?m)^study: .*$", f'study: "{study}"', text, count=1)  # such as 2026 or null
    path.write_text(named, encoding="utf-8")
