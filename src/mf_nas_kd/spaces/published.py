"""The published lists of architectures, entry by entry.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation. IEEE Access: the
    files ``random_arcs_mobilenetv2.pickle`` and ``random_arcs_shufflenetv2.pickle`` beside ``benchmark.pickle``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.spaces.shufflenet_v2 import require_even


def mobilenet_v2(entry: Any) -> Architecture:
    """A network from rows ``[expansion, channels, repeats, stride]``.

    The last row is the head, of which only the channels count. The stem has 32 channels.

    Raises:
        InvalidValueError: If the entry is malformed.
    """
    rows = entry if isinstance(entry, list) else []
    if not (len(rows) > 1 and all(_is_stage(row) for row in rows[:-1]) and _is_head(rows[-1])):
        allowed = "rows of expansion, channels, repeats (1 or more each) and stride (1 or 2), the last one of the head"
        raise InvalidValueError("published mobilenet", entry, allowed)
    return Architecture.of("mobilenet_v2", stem=32, stages=rows[:-1], head=rows[-1][1])


def shufflenet_v2(entry: Any) -> Architecture:
    """A network from ``{"out_channels": [...], "num_blocks": [...]}``.

    The last of the channels is the head, which has no blocks. The stem has 24 channels.

    Raises:
        InvalidValueError: If the entry is malformed.
    """
    fields = entry if isinstance(entry, dict) and set(entry) == {"out_channels", "num_blocks"} else {}
    blocks, channels = fields.get("num_blocks"), fields.get("out_channels")
    if not (_are_counts(blocks) and _are_counts(channels) and len(channels) == len(blocks) + 1):
        allowed = "out_channels and num_blocks (1 or more each), with channels of the head at the end of out_channels"
        raise InvalidValueError("published shufflenet", entry, allowed)
    *widths, head = channels
    stages = [[width, count] for width, count in zip(require_even(tuple(widths)), blocks, strict=True)]
    return Architecture.of("shufflenet_v2", stem=24, stages=stages, head=head)


PUBLISHED_SPACES: Mapping[str, Callable[[Any], Architecture]] = {
    "mobilenet": mobilenet_v2,
    "shufflenet": shufflenet_v2,
}
"""How to read an entry of the list of a space, by the name that the published file uses."""


def _is_stage(row: Any) -> bool:
    return _are_counts(row) and len(row) == 4 and row[3] in (1, 2)


def _is_head(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 4 and _are_counts(row[1:2])


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and len(values) > 0 and all(type(value) is int and value > 0 for value in values)
