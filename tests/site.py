"""The documentation, built once for all tests, in whichever process asks first."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
BUILD_SECONDS = 900
MADE = {"api", "_build"}
"""Folders of what a build makes."""
WRITTEN = [path for path in sorted((PROJECT / "docs").rglob("*.md")) if not MADE.intersection(path.parts)]
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *WRITTEN]


def build(folder: Path) -> Path:
    """Build the site as ``make docs`` does, the notebook included."""
    pytest.importorskip("myst_nb", reason="the extra docs is not installed")
    pages = folder / "html"
    command = ["--builder", "html", "--fail-on-warning", "--keep-going", "--quiet", str(PROJECT / "docs"), str(pages)]
    made = subprocess.run(
        [sys.executable, "-m", "sphinx", *command], capture_output=True, text=True, timeout=BUILD_SECONDS, cwd=folder
    )
    assert made.returncode == 0, made.stderr[-5000:]
    return pages


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """Folder of the built pages. The processes of pytest-xdist share it: the first one builds, the others wait."""
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    with (folder / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pages = folder / "site" / "html"
        if not (pages / "searchindex.js").is_file():
            pages.parent.mkdir(exist_ok=True)
            build(pages.parent)
    return pages
