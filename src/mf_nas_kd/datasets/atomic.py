"""Kedro's file datasets, saved whole or not at all.

As they come, a process that is killed while it saves leaves a broken file, which ``exists()`` takes for present and
which is then the newest version. Here a file is written beside its place, brought to the disk, and renamed.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path, PurePosixPath
from typing import Any

from kedro_datasets.json import JSONDataset
from kedro_datasets.matplotlib import MatplotlibDataset
from kedro_datasets.pandas import CSVDataset, ParquetDataset
from kedro_datasets.text import TextDataset


class AtomicSave:
    """Mixin, before a versioned dataset that writes one file to ``_get_save_path()`` through ``_fs``.

    Remote protocols are left as they are: an object store shows an object when it is complete.
    """

    _written: PurePosixPath | None = None

    def save(self, data: Any) -> None:
        write = super().save.__wrapped__  # without Kedro's wrapper, which this method gets itself
        if getattr(self, "_protocol", "file") != "file":
            write(self, data)
            return
        final = Path(self._get_save_path())
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = final.with_name(f".{uuid.uuid4().hex}.{final.name}")
        self._written = PurePosixPath(temporary)
        try:
            write(self, data)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(final)
        finally:
            self._written = None
            temporary.unlink(missing_ok=True)

    def _get_save_path(self) -> PurePosixPath:
        return self._written or super()._get_save_path()


class AtomicCSVDataset(AtomicSave, CSVDataset):
    """Tables that people read."""


class AtomicParquetDataset(AtomicSave, ParquetDataset):
    """Tables that programs read."""


class AtomicJSONDataset(AtomicSave, JSONDataset):
    """Small results."""


class AtomicMatplotlibDataset(AtomicSave, MatplotlibDataset):
    """Pictures."""


class AtomicTextDataset(AtomicSave, TextDataset):
    """Pages."""
