"""Reference of all parameters: values and comments of ``conf/base``, types and descriptions of the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yaml_comments import Entry, entries, head_comment

from mf_nas_kd.parameters import all_pipelines, parameter_models
from mf_nas_kd.schema import INTERPOLATION, parameters_schema

WHOLE = ("benchmark.strategies.", "benchmark.baselines.")
"""Mappings whose entries are shown as a whole, because each is one entry of a comparison."""

BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
KINDS = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "null": "null",
    "number": "number",
    "object": "mapping",
    "string": "text",
}


def configuration_page(conf: Path) -> str:
    """The page's text in MyST's Markdown: a section for each file, and a ``confval`` for each parameter."""
    nodes = [node for pipeline in all_pipelines().values() for node in pipeline.nodes]
    schema = parameters_schema(parameter_models(nodes))
    files = sorted((conf / "base").glob("parameters_*.yml"))
    return "\n\n".join(_section(file, schema) for file in files)


def _section(file: Path, schema: dict[str, Any]) -> str:
    text = file.read_text(encoding="utf-8")
    found = list(_shown(entries(text), schema))
    title = f"## `{found[0].path[0]}`\n\nFile `conf/base/{file.name}`. {head_comment(text)}"
    return "\n\n".join([title, *(_confval(entry, schema) for entry in found)])


def _shown(found: Iterator[Entry], schema: dict[str, Any]) -> Iterator[Entry]:
    """Entries, but for those in what is shown as a whole."""
    whole: list[tuple[str, ...]] = []
    for entry in found:
        if any(entry.path[: len(path)] == path for path in whole):
            continue
        if ".".join(entry.path).startswith(WHOLE) or _is_flat(entry, schema):
            whole.append(entry.path)
        yield entry


def _is_flat(entry: Entry, schema: dict[str, Any]) -> bool:
    """Whether an entry maps names of the user's own to plain values."""
    if not isinstance(entry.value, dict) or any(isinstance(value, dict) for value in entry.value.values()):
        return False
    forms = list(_forms(_at(schema, entry.path), schema))
    return bool(entry.value) and any("additionalProperties" in form and "properties" not in form for form in forms)


def _confval(entry: Entry, schema: dict[str, Any]) -> str:
    found = _at(schema, entry.path)
    value = entry.text or _as_flow(entry, schema)
    lines = [f"````{{confval}} {'.'.join(entry.path)}", f":type: {_type(found, schema)}"]
    if value:
        lines.append(f":default: `{value}`")
    description = _sentence(_plain(found.get("description", "") or _model_description(found, schema)))
    comment = _sentence(entry.comment) if len(entry.path) > 1 else ""
    texts = [description, f"*In the file:* {comment}" if comment and description else comment]
    return "\n".join([*lines, "", "\n\n".join(filter(None, texts)), "````"])


def _as_flow(entry: Entry, schema: dict[str, Any]) -> str:
    """A mapping of names to plain values in one line."""
    if not _is_flat(entry, schema):
        return ""
    values = entry.value.items() if isinstance(entry.value, dict) else ()
    return f"{{{', '.join(f'{name}: {_word(value)}' for name, value in values)}}}"


def _word(value: object) -> str:
    """A plain value as YAML has it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _forms(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a schema allows, references followed, without interpolations."""
    if "$ref" in schema:
        yield from _forms(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    elif "anyOf" in schema or "oneOf" in schema:
        for form in schema.get("anyOf", schema.get("oneOf")):
            if form != INTERPOLATION:
                yield from _forms(form, root)
    else:
        yield schema


def _at(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The schema of a parameter; empty where the models say nothing of it."""
    found = schema
    for name in path:
        for form in _forms(found, schema):
            inner = form.get("properties", {}).get(name, form.get("additionalProperties"))
            if isinstance(inner, dict):
                found = inner
                break
        else:
            return {}
    return found


def _type(found: dict[str, Any], root: dict[str, Any]) -> str:
    return " or ".join(dict.fromkeys(filter(None, (_form_type(form) for form in _forms(found, root))))) or "any"


def _form_type(form: dict[str, Any]) -> str:
    if "const" in form:
        return f"`{form['const']}`"
    if "enum" in form:
        return ", ".join(f"`{name}`" for name in form["enum"])
    kind = KINDS.get(str(form.get("type")), "")
    bounds = " and ".join(f"{sign} {form[name]:g}" for name, sign in BOUNDS.items() if name in form)
    return f"{kind} {bounds}".strip()


def _model_description(found: dict[str, Any], root: dict[str, Any]) -> str:
    models = (form for form in _forms(found, root) if "properties" in form)
    return next((form["description"] for form in models if "description" in form), "")


def _plain(text: str) -> str:
    """A docstring's reStructuredText as Markdown: roles become code, paragraphs one line each."""
    text = re.sub(r":[a-z:]+:`[~.]*([^`]+)`", r"`\1`", text).replace("``", "`")
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _sentence(text: str) -> str:
    """A text with a capital letter and a full stop, unless it begins with a name."""
    if not text:
        return ""
    first = text.split()[0]
    beginning = text[0].upper() if first.isalpha() and first.islower() else text[0]
    return beginning + text[1:] + ("" if text.endswith((".", ":")) else ".")
