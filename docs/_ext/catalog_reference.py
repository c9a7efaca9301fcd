"""Reference of catalog and pipelines: entries of ``conf/base/catalog.yml``, nodes with what they read and write."""

from __future__ import annotations

import inspect
from collections import defaultdict
from pathlib import Path

from kedro.pipeline import Pipeline
from yaml_comments import Entry, entries

from mf_nas_kd.parameters import PREFIX, all_pipelines

ORDER = ("data", "teacher", "evaluation", "correlation", "search", "final", "export", "report", "benchmark")


def catalog_page(conf: Path) -> str:
    """The catalog's text in MyST's Markdown: a section for each layer, and a ``catalog-entry`` for each entry."""
    found = list(entries((conf / "base" / "catalog.yml").read_text(encoding="utf-8")))
    layers: dict[str, list[Entry]] = defaultdict(list)
    for entry in found:
        if len(entry.path) == 1 and not entry.path[0].startswith("_") and isinstance(entry.value, dict):
            layers[entry.value["metadata"]["kedro-viz"]["layer"]].append(entry)
    makers, readers = _uses(all_pipelines())
    sections = []
    for layer, of_layer in layers.items():
        texts = [_entry(entry, makers[entry.path[0]], readers[entry.path[0]]) for entry in of_layer]
        sections.append("\n\n".join([f"## {layer.capitalize()}", *texts]))
    return "\n\n".join(sections)


def pipelines_page() -> str:
    """The pipelines' text: a section for each pipeline, with its nodes in the order of the flow."""
    pipelines = all_pipelines()
    names = [*ORDER, *sorted(pipelines.keys() - set(ORDER))]
    return "\n\n".join(_pipeline(name, pipelines[name]) for name in names)


def _uses(pipelines: dict[str, Pipeline]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Nodes that write, and nodes that read each entry."""
    makers: dict[str, list[str]] = defaultdict(list)
    readers: dict[str, list[str]] = defaultdict(list)
    for pipeline in pipelines.values():
        for node in pipeline.nodes:
            for name in node.outputs:
                makers[name].append(node.name)
            for name in node.inputs:
                readers[name].append(node.name)
    return makers, readers


def _entry(entry: Entry, makers: list[str], readers: list[str]) -> str:
    name, fields = entry.path[0], entry.value
    assert isinstance(fields, dict)  # noqa: S101 # of the catalog's form
    place = fields.get("filepath") or fields.get("folder") or fields.get("url") or ""
    place = str(place).replace("${_data}", "data/<study>").replace("${_store}", "the evaluation store")
    lines = [f"````{{catalog-entry}} {name}", entry.comment, ""]
    lines.append(f"- Type: `{fields['type']}`" + (", versioned" if fields.get("versioned") else ""))
    if place:
        lines.append(f"- Place: `{place}`")
    for title, names in (("Written by", makers), ("Read by", readers)):
        if names:
            lines.append(f"- {title}: " + ", ".join(_reference("kedro-node", each) for each in sorted(set(names))))
    return "\n".join([*lines, "````"])


def _pipeline(name: str, pipeline: Pipeline) -> str:
    return "\n\n".join([f"## {name}", *(_node(node) for node in pipeline.nodes)])


def _node(node: object) -> str:
    summary = (inspect.getdoc(node.func) or "").partition("\n\n")[0].replace("``", "`")
    read = [name for name in node.inputs if not name.startswith(PREFIX)]
    parameters = [name.removeprefix(PREFIX) for name in node.inputs if name.startswith(PREFIX)]
    lines = [f"````{{kedro-node}} {node.name}", " ".join(summary.split()), ""]
    for title, role, names in (
        ("Reads", "catalog-entry", read),
        ("Parameters", "confval", parameters),
        ("Writes", "catalog-entry", node.outputs),
    ):
        if names:
            lines.append(f"- {title}: " + ", ".join(_reference(role, each) for each in names))
    return "\n".join([*lines, "````"])


def _reference(role: str, name: str) -> str:
    return f"`{name}`" if name.startswith("_") else f"{{{role}}}`{name}`"
