"""Seeds: every random choice is a function of one configured seed and of the purpose of the choice."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np


def canonical_json(value: Any) -> str:
    """The canonical JSON text of a value: sorted keys, no spaces; equal values have equal texts.

    Raises:
        ValueError: If the value holds NaN or an infinite number.

    >>> canonical_json({"b": 1, "a": [1, 2.5]})
    '{"a":[1,2.5],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def fingerprint(value: Any, length: int = 16) -> str:
    """Hexadecimal SHA-256 digest of the canonical JSON of a value, cut to ``length`` characters.

    Raises:
        ValueError: If the value holds NaN or an infinite number.

    >>> fingerprint({"b": 1, "a": 2})
    'd3626ac30a87e6f7'
    """
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]


def derive_seed(seed: int, *purpose: str | int) -> int:
    """The seed, in [0, 2**63), of the random choices for one purpose.

    Different purposes give independent streams: a further random choice in one part of the program does not change the
    numbers that are drawn in the others.

    Args:
        seed: The configured seed.
        *purpose: Words and numbers that name the choice.

    >>> derive_seed(0, "an example", 3)
    8692278342535833014
    """
    return int(fingerprint([seed, *purpose], length=16), 16) >> 1


def numpy_generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A NumPy generator that is seeded with :func:`derive_seed` for one purpose."""
    return np.random.default_rng(derive_seed(seed, *purpose))
