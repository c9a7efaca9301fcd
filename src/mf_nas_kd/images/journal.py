"""Which images of a file of pixels are decoded, in a file beside it: an interrupted decoding goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Part(NamedTuple):
    """Some images whose decoding is finished.

    Attributes:
        rows: Their indices among all images, ``(n,)``, int64.
        failures: Why an image cannot be read, by its index; the images that are not in it are decoded.
    """

    rows: NDArray[np.int64]
    failures: Mapping[int, str]


@dataclass(frozen=True)
class Journal:
    """The finished parts of a file of pixels, one line each.

    Attributes:
        path: The file of the journal.
    """

    path: Path

    @classmethod
    def of(cls, pixels: Path) -> Journal:
        """The journal of a file of pixels, which lies beside it."""
        return cls(pixels.with_name(f"{pixels.name.partition('.')[0]}.journal.jsonl"))

    def add(self, part: Part) -> None:
        """Note a part whose pixels are on the disk."""
        failures = {str(row): reason for row, reason in part.failures.items()}
        line = json.dumps({"rows": part.rows.tolist(), "failures": failures})
        with self.path.open("a") as file:
            file.write(f"\n{line}")  # after a line that a killed process left half written

    def finished(self, count: int) -> tuple[NDArray[np.bool_], dict[int, str]]:
        """Whether each of ``count`` images is decoded, ``(count,)``, and why others cannot be read."""
        decoded = np.zeros(count, dtype=bool)
        reasons: dict[int, str] = {}
        for part in self._parts():
            reasons.update(part.failures)
            decoded[part.rows] = True
            decoded[list(part.failures)] = False
        return decoded, {row: reason for row, reason in reasons.items() if not decoded[row]}

    def _parts(self) -> Iterator[Part]:
        lines = self.path.read_text().splitlines() if self.path.is_file() else []
        for line in filter(None, lines):
            try:
                content = json.loads(line)
                failures = {int(row): str(reason) for row, reason in content["failures"].items()}
                yield Part(np.array(content["rows"], dtype=np.int64), failures)
            except (ValueError, LookupError, TypeError, AttributeError):  # half a line, of a process that was killed
                continue
