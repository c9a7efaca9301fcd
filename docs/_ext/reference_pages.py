"""Sphinx extension: pages that are made from the program when the site is built.

A page with the comment ``% generated: NAME`` gets the text of that name in its place. Pages of the packages are files
of their own, which ``docs/reference/api/`` gets before Sphinx looks for documents.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from catalog_reference import catalog_page, pipelines_page
from command_reference import commands_page
from configuration_reference import configuration_page
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
PLACE = re.compile(r"^% generated: (\w+)$", re.MULTILINE)
TEXTS = {
    "catalog": lambda: catalog_page(ROOT / "conf"),
    "commands": commands_page,
    "configuration": lambda: configuration_page(ROOT / "conf"),
    "pipelines": pipelines_page,
}
MODULES = ("mf_nas_kd.benchmarks.shipped", "mf_nas_kd.benchmarks.replay", "mf_nas_kd.studies.training_evaluator")
"""Modules with a page of their own: their packages do not import them, because they need torch or read files."""


NO_LIBRARY = {"cli", "pipelines", "project"}
"""Packages that are described by pages of their own, or have nothing to import."""


def documented_packages() -> list[str]:
    """Packages that say what is theirs (``__all__``), in the order of the alphabet, and ``MODULES``."""
    names = {file.parent.name for file in (ROOT / "src" / "mf_nas_kd").glob("*/__init__.py")} - NO_LIBRARY
    packages = [f"mf_nas_kd.{name}" for name in names]
    return sorted([name for name in packages if hasattr(importlib.import_module(name), "__all__")] + list(MODULES))


def write_package_pages(app: Sphinx) -> None:
    """Write the pages of the packages; a page that is as it should be keeps its time."""
    folder = Path(app.srcdir) / "reference" / "api"
    folder.mkdir(exist_ok=True)
    pages = {f"{name.removeprefix('mf_nas_kd.')}.md": _package_page(name) for name in documented_packages()}
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        page = folder / name
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def _package_page(name: str) -> str:
    """A page that has what a package offers, but not what it offers of another package: that is on the other's page."""
    module = importlib.import_module(name)
    members = {each: getattr(module, each) for each in getattr(module, "__all__", ())}
    foreign = [each for each, member in members.items() if not getattr(member, "__module__", name).startswith(name)]
    lines = [f"```{{eval-rst}}\n.. automodule:: {name}", "   :members:"]
    if foreign:
        lines.append(f"   :exclude-members: +{', '.join(foreign)}")
    return "\n".join([f"# `{name}`\n", *lines, "```\n"])


def insert_generated_text(app: Sphinx, _docname: str, content: list[str]) -> None:
    """Put generated text into a page that was read."""
    content[0] = PLACE.sub(lambda match: TEXTS[match[1]](), content[0])


def begin_with_an_empty_line(_app: Sphinx, what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Keep Napoleon from taking what is before a colon in a property's first sentence for its type."""
    if what in {"attribute", "data", "property"}:
        lines.insert(0, "")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register events, and kinds of objects that pages describe and refer to."""
    app.add_object_type("catalog-entry", "catalog-entry", "single: %s (catalog entry)")
    app.add_object_type("kedro-node", "kedro-node", "single: %s (node)")
    app.connect("builder-inited", write_package_pages)
    app.connect("source-read", insert_generated_text)
    app.connect("autodoc-process-docstring", begin_with_an_empty_line, priority=400)  # Napoleon's is 500
    return {"parallel_read_safe": True}
