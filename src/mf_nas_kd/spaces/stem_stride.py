"""The stride of the stem among the fields of an architecture.

It is there only where it is not 1, so that architectures for small images keep their identifiers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def stem_stride_field(stride: int) -> dict[str, int]:
    """The field of a stem stride: nothing for 1."""
    return {} if stride == 1 else {"stem_stride": stride}


def stem_stride_of(fields: Mapping[str, Any]) -> int:
    """The stem stride of an architecture with these fields.

    >>> [stem_stride_of(stem_stride_field(stride)) for stride in (1, 2)]
    [1, 2]
    """
    return int(fields.get("stem_stride", 1))
