"""Architectures in words and in numbers that can be compared, from the fields of their builders; for tables of people.

A further space needs a line in ``STAGE_FIELDS`` only if its stages are rows of several values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.spaces.nas_bench_201 import EDGES, operations_of_cell

STAGE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "mobilenet_v2": ("expansion", "channels", "depth", "stride"),
    "residual": ("channels",),
    "shufflenet_v2": ("channels", "depth"),
}
"""What the values of a stage are, by the name of the space or builder."""

OPERATION_WORDS = {
    "none": "none",
    "skip_connect": "identity",
    "nor_conv_1x1": "1x1",
    "nor_conv_3x3": "3x3",
    "avg_pool_3x3": "pooling",
}
"""Operations of a cell of NAS-Bench-201, in short."""

_STAGES_OF_CELLS = 3


def architecture_values(architecture: Architecture) -> dict[str, Any]:
    """The choices of an architecture as single values by name: the same names for all architectures of a space.

    Depth is a number of blocks, channels are those of the output. The fields of a builder that is not known are values
    by their own names.

    >>> rows = [[2, 8, 1, 1], [4, 16, 2, 2]]
    >>> values = architecture_values(Architecture.of("mobilenet_v2", stem=4, stages=rows, head=32))
    >>> values["channels"], values["depth"], values["total_depth"], values["stage_2.expansion"]
    ('8-16', '1-2', 3, 4)
    """
    return dict(_values(architecture))


def architecture_words(architecture: Architecture) -> str:
    """The choices of an architecture in words.

    >>> architecture_words(Architecture.of("shufflenet_v2", stem=8, stages=[[16, 1], [32, 3]], head=64))
    '16-32, depth 1-3, head 64'
    """
    values = architecture_values(architecture)
    if "operations" in values:
        return f"cell {values['operations']}"
    if "channels" not in values:
        return f"{architecture.space} {architecture.id}"
    parts = (f"{name} {values[name]}" for name in ("depth", "expansion", "head") if name in values)
    return ", ".join((values["channels"], *parts))


def _values(architecture: Architecture) -> Iterator[tuple[str, Any]]:
    fields, names = architecture.fields, STAGE_FIELDS.get(architecture.space)
    if names is not None:
        stages = [_stage(names, row, fields) for row in fields["stages"]]
        yield from ((name, "-".join(str(stage[name]) for stage in stages)) for name in stages[0] if name != "stride")
        yield "total_depth", sum(stage["depth"] for stage in stages)
        for number, stage in enumerate(stages, start=1):
            yield from ((f"stage_{number}.{name}", value) for name, value in stage.items())
    elif "cell" in fields:
        operations = [OPERATION_WORDS[each] for each in operations_of_cell(fields["cell"])]
        yield "operations", "-".join(operations)
        yield "total_depth", _STAGES_OF_CELLS * fields["cells_per_stage"]
        yield from ((f"edge_{source}_{target}", name) for (source, target), name in zip(EDGES, operations, strict=True))
    yield from ((name, value) for name, value in fields.items() if name not in ("stages", "cell", "blocks"))


def _stage(names: tuple[str, ...], row: Any, fields: Mapping[str, Any]) -> dict[str, int]:
    """A stage's values by name; its depth is a field of the network where all stages have the same."""
    values = dict(zip(names, row if isinstance(row, list) else [row], strict=True))
    return values if "depth" in values else values | {"depth": fields["blocks"]}
