"""A file of teacher targets: one record for each pair of image and augmentation; one process appends, all map it.

A header (everything that determines the targets, as JSON), then records of equal length: the pair, a checksum, the
target. A record that was cut off, or whose checksum is wrong, is never used.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.files import written_whole
from mf_nas_kd.seeding import canonical_json, fingerprint

logger = logging.getLogger(__name__)

HEADER_BYTES = 4096
SUFFIX = ".targets"


class TargetFile:
    """Targets of one kind, of one teacher, for pairs of one set of images and one augmentation.

    Args:
        folder: Folder of the file, whose name is a hash of what it holds.
        belongs_to: Everything that determines the targets: teacher, images, augmentation, kind, precision.
        shape: Shape of the target of one pair.

    Attributes:
        path: The file.
    """

    def __init__(self, folder: Path, belongs_to: Mapping[str, Any], shape: tuple[int, ...]) -> None:
        self._header = {**belongs_to, "shape": list(shape)}
        key = fingerprint(self._header, length=32)
        self.path = folder / f"{key}{SUFFIX}"
        self._key = key.encode()
        self._record = np.dtype([("pair", "<i8"), ("checksum", "<u4"), ("target", "<f2", shape)])

    @property
    def record_bytes(self) -> int:
        """Length of the record of one pair, in bytes."""
        return self._record.itemsize

    def records(self) -> NDArray[Any]:
        """All complete records, mapped: ``pair`` (int64), ``checksum``, ``target`` (half precision).

        Empty where there is no file, or one with another header.
        """
        if not self._has_our_header():
            return np.empty(0, self._record)
        count = self._body_bytes() // self.record_bytes  # without an incomplete last record
        if count < 1:
            return np.empty(0, self._record)
        return np.memmap(self.path, self._record, mode="c", offset=HEADER_BYTES, shape=(count,))

    def mend(self) -> None:
        """Repair the file: another header, damaged records and an incomplete last record are removed.

        For the one process that appends, before it does.
        """
        if not self.path.exists():
            return
        records = self.records()
        good = self.are_whole(records)
        if self._has_our_header() and good.all() and self._body_bytes() == len(records) * self.record_bytes:
            return
        logger.warning(
            "Teacher targets in %s are damaged: %d of %d records are used, the others computed again",
            self.path.name,
            good.sum(),
            max(0, self._body_bytes()) // self.record_bytes,
        )
        with written_whole(self.path) as path, path.open("wb") as file:
            file.write(self._packed_header())
            records[good].tofile(file)

    def append(self, pairs: NDArray[np.int64], targets: NDArray[np.float16]) -> None:
        """Append records.

        Args:
            pairs: ``(n,)``, int64.
            targets: ``(n, *shape)``, half precision.
        """
        records = np.empty(len(pairs), self._record)
        records["pair"], records["target"] = pairs, targets
        records["checksum"] = self._checksums(records)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), self.path.open("xb") as file:
            file.write(self._packed_header())
        if self._body_bytes() < 0 or self._body_bytes() % self.record_bytes:  # another driver ended while it wrote
            self.mend()
        with self.path.open("ab") as file:
            file.write(records.tobytes())

    def are_whole(self, records: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether each record has the checksum of its content, and belongs to this file: ``(n,)``, bool."""
        whole: NDArray[np.bool_] = self._checksums(records) == records["checksum"]
        return whole

    def _has_our_header(self) -> bool:
        try:
            with self.path.open("rb") as file:
                return file.read(HEADER_BYTES) == self._packed_header()
        except FileNotFoundError:
            return False

    def _body_bytes(self) -> int:
        return self.path.stat().st_size - HEADER_BYTES

    def _packed_header(self) -> bytes:
        return canonical_json(self._header).encode().ljust(HEADER_BYTES)

    def _checksums(self, records: NDArray[Any]) -> NDArray[np.uint32]:
        """Checksums of pair and target; they contain the key, so that a renamed file is detected as well."""
        start = zlib.crc32(self._key)
        pairs, targets = records["pair"], records["target"]
        sums = (zlib.crc32(targets[i].tobytes(), zlib.crc32(pairs[i].tobytes(), start)) for i in range(len(records)))
        return np.fromiter(sums, np.uint32, len(records))
