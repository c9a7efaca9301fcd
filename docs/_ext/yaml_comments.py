"""Values of a YAML file with the comments beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Entry:
    """One entry of a YAML file.

    Attributes:
        path: Names from the top of the file to the entry.
        text: The value, as it is written in one line; empty for a mapping of several lines.
        value: The value as Python has it, interpolations unresolved.
        comment: The comment above it and beside it, as one text.
    """

    path: tuple[str, ...]
    text: str
    value: object
    comment: str


def entries(text: str) -> Iterator[Entry]:
    """All entries of a YAML file, mappings before what is in them.

    >>> text = '''
    ... # Of the whole.
    ... search:
    ...   seed: 0 # of the draws
    ...           # and of the splits
    ... '''
    >>> [(entry.path, entry.text, entry.comment) for entry in entries(text)]
    [(('search',), '', 'Of the whole.'), (('search', 'seed'), '0', 'of the draws and of the splits')]
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    yield from _entries(root, (), text.splitlines())


def head_comment(text: str) -> str:
    """The comment at the beginning of a YAML file, without the line for editors."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if "yaml-language-server" not in line:
            lines.append(line.lstrip("# "))
    return " ".join(lines)


def _entries(node: yaml.MappingNode, above: tuple[str, ...], lines: list[str]) -> Iterator[Entry]:
    for key, value in node.value:
        path = (*above, str(key.value))
        is_block = isinstance(value, yaml.MappingNode | yaml.SequenceNode) and not value.flow_style
        start = key if is_block else value
        text = "" if is_block else _written(value, lines)
        comment = "" if node.flow_style else _comment(key, start.end_mark, lines)
        loader = yaml.SafeLoader("")
        yield Entry(path, text, loader.construct_object(value, deep=True), comment)
        if isinstance(value, yaml.MappingNode):
            yield from _entries(value, path, lines)


def _written(value: yaml.Node, lines: list[str]) -> str:
    """A value as the file has it; its lines as one."""
    first, last = value.start_mark, value.end_mark
    if first.line == last.line:
        return lines[first.line][first.column : last.column]
    parts = [lines[first.line][first.column :], *lines[first.line + 1 : last.line], lines[last.line][: last.column]]
    return " ".join(part.strip() for part in parts)


def _comment(key: yaml.Node, end: yaml.Mark, lines: list[str]) -> str:
    """The comment lines directly above a key, and the comment behind its value with the lines that continue it."""
    column, above = key.start_mark.column, []
    for line in reversed(lines[: key.start_mark.line]):
        is_comment = line.strip().startswith("#") and len(line) - len(line.lstrip()) == column
        if not is_comment or "yaml-language-server" in line or line.lstrip().startswith("# ----"):
            break
        above.insert(0, line.strip().lstrip("# "))
    beside = []
    rest = lines[end.line][end.column :]
    if "#" in rest:
        beside.append(rest.partition("#")[2].strip())
        for line in lines[end.line + 1 :]:
            if not line.strip().startswith("#") or len(line) - len(line.lstrip()) <= column + 2:
                break
            beside.append(line.strip().lstrip("# "))
    return " ".join([*above, *beside])
