"""Loader of the configuration that refuses files which would grow without bound."""

from __future__ import annotations

import re
from itertools import accumulate
from pathlib import Path
from typing import Any

import yaml
from kedro.config import OmegaConfigLoader

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.files import require_file

SUFFIXES = {".yml", ".yaml", ".json"}
"""Ends of the names of files that Kedro reads; all of them as YAML."""

LARGEST_BYTES = 2**20
"""Largest file of the configuration. The largest one of the project has 0.01 MB."""

MOST_NODES = 100_000
"""Most values of a file, each counted once for every alias of it: OmegaConf copies what an alias refers to."""

DEEPEST = 100
"""Most brackets inside each other, and most indented spaces; a parser's time goes with the square of the depth."""


class BoundedConfigLoader(OmegaConfigLoader):
    """Kedro's loader of files, which first checks their size, their aliases and their depth."""

    def _read_dir_configs(self, conf_path: str, *arguments: Any, **options: Any) -> Any:
        """Read the files of one kind in the folder of an environment.

        Raises:
            InvalidValueError: If a file is too large, nested too deeply, or grows too large by its aliases.
        """
        for path in sorted(path for path in Path(conf_path).rglob("*") if path.suffix in SUFFIXES):
            _require_bounded(path)
        return super()._read_dir_configs(conf_path, *arguments, **options)


def _require_bounded(path: Path) -> None:
    try:
        require_file(path, LARGEST_BYTES)
        content = path.read_bytes()
        nodes = MOST_NODES + 1 if _depth(content) > DEEPEST else 0
        if not nodes and b"*" in content:  # without aliases nothing grows, and the file is not parsed twice
            nodes = _expanded_size(yaml.compose(content, Loader=yaml.SafeLoader), {})
    except OSError as failure:
        raise InvalidValueError("a file of the configuration", str(path), f"one that can be read: {failure}") from None
    except (yaml.YAMLError, ValueError):
        return  # Kedro's own message names the line
    if nodes > MOST_NODES:
        allowed = f"one with at most {MOST_NODES:,} values, counted for every alias, and not nested deeply"
        raise InvalidValueError("a file of the configuration", str(path), allowed)


def _depth(content: bytes) -> int:
    """Most brackets that are open at a place, or spaces before a line, whichever is more."""
    signs = re.findall(rb"[\[\]{}]", content)
    deepest = max(accumulate(1 if sign in b"[{" else -1 for sign in signs), default=0)
    return max(deepest, *(len(line) - len(line.lstrip(b" -")) for line in content.splitlines() or [b""]), 0)


def _expanded_size(node: yaml.Node | None, known: dict[int, int]) -> int:
    """Number of values of a node where every alias is replaced by what it refers to."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        known[id(node)] = MOST_NODES + 1  # of a node that holds itself
        inside = [each for part in node.value for each in (part if isinstance(part, tuple) else (part,))]
        known[id(node)] = 1 + sum(_expanded_size(each, known) for each in inside)
    return known[id(node)]
