"""Values that are computed from all pixels of a file are kept beside it: a start does not read millions of images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from mf_nas_kd.files import written_whole
from mf_nas_kd.seeding import canonical_json

Value = TypeVar("Value")


def remembered(
    pixels: Path | None, what: str, names: object, tensors: tuple[Tensor, ...], compute: Callable[[], Value]
) -> Value:
    """A value computed from a file of pixels, from the file beside it where all that it depends on is the same.

    Args:
        pixels: The file of pixels; None to compute the value.
        what: Name of the value, a part of the file's name; only the latest value of each name is kept.
        names: What the value depends on beside pixels and tensors, and the version of its computation; as JSON.
        tensors: Tensors that it depends on, such as labels and positions.
        compute: Computes the value, which JSON must be able to hold; tuples come back as lists.
    """
    if pixels is None:
        return compute()
    path, state = pixels.with_suffix(f".{what}.json"), pixels.stat()
    digest = hashlib.sha256(canonical_json([names, state.st_size, state.st_mtime_ns]).encode())
    for tensor in tensors:
        digest.update(canonical_json([str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy().data)
    key = digest.hexdigest()
    try:
        content = json.loads(path.read_text())
        if content["key"] == key:
            kept: Value = content["value"]
            return kept
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass  # there is none, or it is damaged
    value = compute()
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps({"key": key, "value": value}))
    return value
