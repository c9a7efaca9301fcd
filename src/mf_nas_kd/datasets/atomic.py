"""Kedro's file datasets, saved whole or not at all.

As they come, a process that is killed while it saves leaves a broken file, which ``exists()`` takes for present and
which is then the newest version. Here a file is written beside its place, brought to the disk, and renamed.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from kedro_datasets.json import JSONDataset
from kedro_datasets.matplotlib import MatplotlibDataset
from kedro_datasets.pandas import CSVDataset, ParquetDataset
from kedro_datasets.text import TextDataset

from mf_nas_kd.files import written_whole


class AtomicSave:
    """Mixin, before a versioned dataset that writes one file to ``_get_save_path()`` through ``_fs``.

    Remote protocols are left as they are: an object store shows an object when it is complete.
    """

    _written: PurePosixPath | None = None

    def save(self, data: Any) -> None:
        # Without Kedro's wrapper, which this method gets itself. The next class is a dataset.
        write = super().save.__wrapped__  # type: ignore[misc]
        if getattr(self, "_protocol", "file") != "file":
            write(self, data)
            return
        with written_whole(Path(self._get_save_path())) as temporary:
            self._written = PurePosixPath(temporary)
            try:
                write(self, data)
            finally:
                self._written = None

    def _get_save_path(self) -> PurePosixPath:
        if self._written is not None:
            return self._written
        path: PurePosixPath = super()._get_save_path()  # type: ignore[misc]  # the next class is a dataset
        return path


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
