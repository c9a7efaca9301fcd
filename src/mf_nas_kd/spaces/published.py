"""Conversion of the entries of the published lists of architectures.

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
from mf_nas_kd.spaces.stem_stride import stem_stride_field


def mobilenet_v2(entry: Any, imagenet_form: bool = False) -> Architecture:
    """Convert an entry of the list of MobileNetV2 networks to an architecture.

    Args:
        entry: Rows ``[expansion, channels, repeats, stride]``. The last row is the head, of which only the channels are
            used. The stem of all networks has 32 channels.
        imagenet_form: Whether the stem is that for images of 224 pixels, of stride 2; else its stride is 1.

    Raises:
        InvalidValueError: If the entry is malformed.

    >>> mobilenet_v2([[1, 16, 1, 1], [6, 24, 2, 2], [1, 1280, 1, 1]]).fields
    {'head': 1280, 'stages': [[1, 16, 1, 1], [6, 24, 2, 2]], 'stem': 32}
    """
    rows = entry if isinstance(entry, list) else []
    if not (len(rows) > 1 and all(_is_stage(row) for row in rows[:-1]) and _is_head(rows[-1])):
        allowed = "rows of expansion, channels, repeats (1 or more each) and stride (1 or 2), the last one of the head"
        raise InvalidValueError("published mobilenet", entry, allowed)
    stride = stem_stride_field(2 if imagenet_form else 1)
    return Architecture.of("mobilenet_v2", stem=32, stages=rows[:-1], head=rows[-1][1], **stride)


def shufflenet_v2(entry: Any, imagenet_form: bool = False) -> Architecture:
    """Convert an entry of the list of ShuffleNetV2 networks to an architecture.

    Args:
        entry: ``{"out_channels": [...], "num_blocks": [...]}``. The last of the channels belongs to the head, which has
            no blocks. The stem of all networks has 24 channels.
        imagenet_form: Whether the stem is that for images of 224 pixels, of stride 4; else its stride is 1.

    Raises:
        InvalidValueError: If the entry is malformed.

    >>> shufflenet_v2({"out_channels": [116, 232, 1024], "num_blocks": [3, 7]}).fields
    {'head': 1024, 'stages': [[116, 3], [232, 7]], 'stem': 24}
    """
    fields = entry if isinstance(entry, dict) and set(entry) == {"out_channels", "num_blocks"} else {}
    blocks: Any = fields.get("num_blocks")
    channels: Any = fields.get("out_channels")
    if not (_are_counts(blocks) and _are_counts(channels) and len(channels) == len(blocks) + 1):
        allowed = (
            "out_channels and num_blocks (1 or more each), with the channels of the head at the end of out_channels"
        )
        raise InvalidValueError("published shufflenet", entry, allowed)
    *widths, head = channels
    stages = [[width, count] for width, count in zip(require_even(tuple(widths)), blocks, strict=True)]
    stride = stem_stride_field(4 if imagenet_form else 1)
    return Architecture.of("shufflenet_v2", stem=24, stages=stages, head=head, **stride)


PUBLISHED_SPACES: Mapping[str, Callable[..., Architecture]] = {
    "mobilenet": mobilenet_v2,
    "shufflenet": shufflenet_v2,
}
"""Conversion of the entries of each space, by the name of the space in the published files."""


def _is_stage(row: Any) -> bool:
    return _are_counts(row) and len(row) == 4 and row[3] in (1, 2)


def _is_head(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 4 and _are_counts(row[1:2])


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and len(values) > 0 and all(type(value) is int and value > 0 for value in values)
