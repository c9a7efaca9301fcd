"""The site is whole: every page, every link and anchor, every parameter; and nothing of it is on another server."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import yaml

from mf_nas_kd.cli import program
from mf_nas_kd.parameters import all_pipelines

LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser loads by itself."""


class Page(HTMLParser):
    """Identifiers, links and loaded files of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loaded = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.update(filter(None, (found.get("id"), found.get("name") if tag == "a" else None)))
        if tag == "a" and found.get("href"):
            self.links.add(found["href"])
        if found.get(LOADED.get(tag)):
            self.loaded.add(found[LOADED[tag]])


@cache
def page_of(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pages(site):
    return sorted(site.rglob("*.html"))


def is_elsewhere(address):
    return "://" in address or address.startswith(("//", "mailto:", "data:"))


def test_every_source_has_a_page(site, project):
    sources = [*project.glob("docs/**/*.md"), *project.glob("docs/**/*.ipynb")]
    wanted = {path.relative_to(project / "docs").with_suffix(".html") for path in sources if "_build" not in path.parts}
    assert len(wanted) > 40
    assert {path for path in wanted if not (site / path).is_file()} == set()


def test_links_and_anchors_hold(pages):
    broken = []
    for path in pages:
        for link in page_of(path).links - {"#"}:
            address, fragment = urldefrag(link)
            if is_elsewhere(link):
                continue
            target = (path.parent / unquote(address)).resolve() if address else path
            is_there = target.is_file() and (
                not fragment or target.suffix != ".html" or unquote(fragment) in page_of(target).ids
            )
            if not is_there:
                broken.append((path.name, link))
    assert broken == []


def test_pages_load_nothing_from_other_servers(pages, site):
    assert {each for path in pages for each in page_of(path).loaded if is_elsewhere(each)} == set()
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style


def leaves(value, above=()):
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, (*above, name))
    else:
        yield ".".join(above)


def test_every_parameter_is_described(site, project):
    """By itself, or in a mapping that is shown as a whole: names of the user's own, and entries of the benchmark."""
    described = {each.removeprefix("confval-") for each in page_of(site / "reference" / "configuration.html").ids}
    for file in (project / "conf" / "base").glob("parameters_*.yml"):
        names = list(leaves(yaml.safe_load(file.read_text(encoding="utf-8"))))
        levels = 4 if file.stem == "parameters_benchmark" else 2
        assert names
        assert [name for name in names if not described & {name.rsplit(".", cut)[0] for cut in range(levels)}] == []


def test_a_parameter_has_its_type_its_default_and_its_comment(site):
    text = (site / "reference" / "configuration.html").read_text(encoding="utf-8")
    entry = re.sub(r"<[^>]+>", "", text[text.index('id="confval-search.budget_seconds"') :])
    entry = entry[: entry.index("search.budget_evaluations")]
    assert "number" in entry
    assert "30" in entry
    assert "evaluations of the evaluation stage are known and not charged" in entry


def test_every_catalog_entry_node_command_and_option_is_described(site, project):
    catalog = yaml.safe_load((project / "conf" / "base" / "catalog.yml").read_text(encoding="utf-8"))
    entries = {f"catalog-entry-{name}" for name in catalog if not name.startswith("_")}
    assert entries - page_of(site / "reference" / "catalog.html").ids == set()
    nodes = {f"kedro-node-{node.name}" for pipeline in all_pipelines().values() for node in pipeline.nodes}
    assert nodes - page_of(site / "reference" / "pipelines.html").ids == set()
    known = page_of(site / "reference" / "commands.html").ids
    options = {
        f"cmdoption-mf-nas-kd-{name}-{max(option.opts, key=len).lstrip('-')}"
        for name, command in program.commands.items()
        for option in command.params
        if option.param_type_name == "option" and not option.hidden
    }
    assert options - known == set()


def test_the_notebook_was_run(site):
    text = (site / "tutorials" / "library.html").read_text(encoding="utf-8")
    assert len(re.findall(r'class="cell_output', text)) >= 6
    assert "Kendall" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("name", ["flow", "resolved_training"])
def test_a_drawing_has_the_words_of_its_source(project, name):
    """The SVG file is made of the text beside it, by hand: it must not stay behind."""
    folder = project / "docs" / "images"
    words = re.findall(r'"(.*?)"', (folder / f"{name}.mmd").read_text(encoding="utf-8"))
    drawn = re.sub(
        r"&(?:#39|apos);", "'", re.sub(r"<[^>]+>", " ", (folder / f"{name}.svg").read_text(encoding="utf-8"))
    )
    drawn = "".join(drawn.split())
    assert [each for each in words if "".join(each.split()) not in drawn] == []
