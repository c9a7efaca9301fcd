"""What a file of decoded pixels contains: name and state of every image, in a file beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.files import written_whole


@dataclass(frozen=True)
class Inventory:
    """Names and states of images.

    Attributes:
        names: Unique name of each of the ``M`` images; characters that UTF-8 does not have come back as well.
        states: State of the file of each, ``(M, S)``, int64: a file that was changed has another one.
        settings: Fingerprint of the options that decoded pixels depend on.
    """

    names: Sequence[str]
    states: NDArray[np.int64]
    settings: str

    def write(self, pixels: Path) -> None:
        """Write the inventory of a file of pixels."""
        content = {"settings": self.settings, "names": list(self.names), "states": self.states.tolist()}
        with written_whole(beside(pixels)) as temporary:
            temporary.write_text(json.dumps(content))

    @classmethod
    def read(cls, pixels: Path) -> Self | None:
        """The inventory of a file of pixels; None where an earlier version wrote none, or it is damaged."""
        try:
            content = json.loads(beside(pixels).read_text())
            states = np.array(content["states"], dtype=np.int64).reshape(len(content["names"]), -1)
            return cls(tuple(content["names"]), states, content["settings"])
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None


def beside(pixels: Path) -> Path:
    """The file of the inventory that belongs to a file of pixels."""
    return pixels.with_name(f"{pixels.name.partition('.')[0]}.names.json")


def numbered(count: int, prefix: str = "") -> tuple[str, ...]:
    """Names of images that have none.

    >>> numbered(3, "train/")
    ('train/0', 'train/1', 'train/2')
    """
    return tuple(f"{prefix}{number}" for number in range(count))
