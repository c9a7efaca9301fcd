"""Reading of safetensors files within bounds."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from mf_nas_kd.files import require_file

LARGEST_NETWORK_BYTES = 8 * 2**30
"""Largest file of a network that this program saved. The largest of torchvision's networks takes 2.5 GB."""

LARGEST_HEADER_BYTES = 4 * 2**20
"""Largest header of a safetensors file. That of a network with 1,000 tensors has about 0.1 MB."""


def read_tensors(path: Path, largest_bytes: int) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors of a safetensors file by their names, and the texts of its header.

    Args:
        path: Path of the file.
        largest_bytes: Largest size of the file.

    Raises:
        OSError: If the file does not exist, is no file, or is too large.
        ValueError: If it is damaged, or not a safetensors file.
    """
    require_file(path, largest_bytes)
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
    if header_bytes > LARGEST_HEADER_BYTES:
        raise ValueError(f"its header would have {header_bytes:,} bytes, at most {LARGEST_HEADER_BYTES:,} are read")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in list(file.keys())}, file.metadata() or {}
    except SafetensorError as failure:
        raise ValueError(str(failure)) from failure
