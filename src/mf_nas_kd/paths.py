"""Paths of the configuration and the command line: what they are relative to, and how they become URLs."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from mf_nas_kd.errors import InvalidValueError

_SOURCE = Path(__file__).resolve().parents[2]
_named: Path | None = None


def is_project(folder: Path) -> bool:
    """Whether a folder is a Kedro project of this package: this repository, or a study of ``mf-nas-kd new``."""
    try:
        settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(settings.get("tool", {}).get("kedro", {}).get("package_name") == "mf_nas_kd")


def name_project(folder: Path) -> None:
    """Make a folder the project of this process, if it is one; the loader of a configuration does so."""
    global _named
    if is_project(folder):
        _named = folder


def project_folder() -> Path:
    """Folder of the project, which holds ``conf``.

    It is the one whose configuration was loaded; otherwise the nearest one upwards from the current folder; otherwise
    that of the source if this package runs from there; otherwise the current folder.
    """
    if _named is not None:
        return _named
    here = Path.cwd()
    above = next((folder for folder in (here, *here.parents) if is_project(folder)), None)
    return above or (_SOURCE if is_project(_SOURCE) else here)


def packaged_configuration() -> Path:
    """The folder ``conf`` of this package: in the wheel, or that of the repository."""
    installed = Path(__file__).resolve().parent / "project" / "conf"
    return installed if installed.is_dir() else _SOURCE / "conf"


def absolute(path: str | Path | None) -> str | None:
    """Absolute form of a configured path; the same for the same text, wherever a command is started.

    ``~`` is the home folder, and a relative path is relative to the project's folder. A URL of another protocol
    (``https://``) and None, for a path that is not configured, stay as they are.

    >>> absolute("/data/~/a%41 [1]"), absolute("https://host/table.csv"), absolute(None)
    ('/data/~/a%41 [1]', 'https://host/table.csv', None)

    Raises:
        InvalidValueError: If the path is empty, or no text.
    """
    if path is None:
        return None
    if not isinstance(path, (str, Path)) or not str(path).strip():
        raise InvalidValueError("a path", path, "the path of a file or folder")
    return str(path) if "://" in str(path) else str(project_folder() / os.path.expanduser(path))


def sqlite_url(path: str | Path) -> str:
    """URL of SQLAlchemy for a SQLite file; characters of the path that have a meaning in URLs are encoded.

    >>> sqlite_url("/studies/a%41?b#c/evaluations.db")
    'sqlite:////studies/a%2541%3Fb%23c/evaluations.db'
    """
    return URL.create("sqlite", database=absolute(path)).render_as_string()


def store_url(url: str) -> str:
    """URL of the evaluation store; that of a SQLite file with the absolute form of its path.

    >>> store_url("postgresql+psycopg://user@host/studies")
    'postgresql+psycopg://user@host/studies'
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        return url  # the store refuses it, and says why
    file = parsed.database if parsed.get_backend_name() == "sqlite" else None
    return url if file in (None, "", ":memory:") or file.startswith("file:") else sqlite_url(file)


def name_logging_file() -> bool:
    """Tell Kedro, in this process and its workers, where ``logging.yml`` is; whether it was not told before."""
    file = project_folder() / "conf" / "logging.yml"
    if not file.is_file():
        file = packaged_configuration() / "logging.yml"
    if "KEDRO_LOGGING_CONFIG" in os.environ or not file.is_file():
        return False
    os.environ["KEDRO_LOGGING_CONFIG"] = str(file)
    return True
