"""The architecture names the layers that the imports obey."""

import re
import tomllib


def test_the_layers_are_those_of_the_import_contract(project):
    contracts = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    text = (project / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("| layer, the uppermost first |") :].partition("\n\n")[0].splitlines()[2:]
    described = [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table]
    assert described == [set(re.split(r"[ |:]+", layer)) for layer in layers]
