"""The README is short, and its links lead somewhere."""

import re

import pytest

from mf_nas_kd import __version__

MOST_WORDS = 1500


def test_the_readme_is_short(project):
    text = (project / "README.md").read_text(encoding="utf-8")
    assert len(re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).split()) <= MOST_WORDS


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_files_that_are_linked_exist(project, name):
    links = re.findall(r"\]\(([^)\s]+)\)", (project / name).read_text(encoding="utf-8"))
    files = [link.partition("#")[0] for link in links if "://" not in link and not link.startswith("#")]
    assert files
    assert [file for file in files if not (project / file).is_file()] == []


def test_documents_that_files_name_exist(project):
    """Comments, docstrings and tables point to documents by their paths."""
    folders = ("src", "conf", "benchmarks", "tests")
    files = [
        path for folder in folders for path in (project / folder).rglob("*") if path.suffix in {".py", ".yml", ".md"}
    ]
    named = {
        (path, name) for path in files for name in re.findall(r"\bdocs/[\w/]+\.md", path.read_text(encoding="utf-8"))
    }
    assert named
    assert {str(path) for path, name in named if not (project / name).is_file() and path.parent.name != "docs"} == set()


def test_the_citation_has_the_version(project):
    assert f"version: {__version__}" in (project / "CITATION.cff").read_text(encoding="utf-8")
