"""JSON schema of all parameters, for editors: ``python -m mf_nas_kd.schema`` writes ``conf/parameters.schema.json``.

It is made from the models of the nodes' parameters. No property is required, because each file of the configuration has
only a part of them; Kedro validates the whole before any node runs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kedro.pipeline import Node
from pydantic import BaseModel, ConfigDict, create_model

from mf_nas_kd.parameters import all_pipelines, parameter_models

FILE = Path("conf/parameters.schema.json")
INTERPOLATION = {"type": "string", "pattern": r"^\$\{.*\}$"}
ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)


def parameters_schema(models: dict[str, type[BaseModel]]) -> dict[str, Any]:
    """JSON schema of a file of parameters."""
    fields: dict[str, Any] = {name: (model, ...) for name, model in models.items()}
    everything = create_model("Parameters", __config__=ConfigDict(extra="forbid"), **fields)
    schema = everything.model_json_schema()
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_for_parts(_described(schema))}


def schema_text(nodes: Iterable[Node]) -> str:
    """JSON schema of the parameters of some nodes, as text."""
    return json.dumps(parameters_schema(parameter_models(nodes)), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the schema into the project in the current folder, and print its path."""
    text = schema_text(node for pipeline in all_pipelines().values() for node in pipeline.nodes)
    FILE.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{FILE}\n")


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, with descriptions from the section ``Attributes`` of the models' docstrings."""
    for model in schema["$defs"].values():
        summary, _, attributes = model.get("description", "").partition("\n\nAttributes:\n")
        model["description"] = summary.partition("\n\n>>>")[0]
        for name, text in ATTRIBUTE.findall(attributes):
            if name in model.get("properties", {}):
                model["properties"][name]["description"] = " ".join(text.split())
    return schema


def _for_parts(schema: Any) -> Any:
    """The schema without titles and required properties; every mapping may also be an interpolation."""
    if isinstance(schema, list):
        return [_for_parts(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    left = {name: _for_parts(value) for name, value in schema.items() if not _left_out(name, value)}
    for name, value in left.get("properties", {}).items():
        if "$ref" in value:
            left["properties"][name] = {"anyOf": [{"$ref": value.pop("$ref")}, INTERPOLATION], **value}
    return left


def _left_out(keyword: str, value: Any) -> bool:
    """Whether an entry is a keyword of JSON schema that is left out, and not a parameter of that name."""
    return (keyword == "title" and isinstance(value, str)) or (keyword == "required" and isinstance(value, list))


if __name__ == "__main__":
    main()
