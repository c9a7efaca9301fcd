"""Kedro's file datasets with atomic saving: a file is complete, or it does not exist.

Kedro's own datasets leave a broken file if the process is killed while it saves; ``exists()`` then returns true, and
the broken file is the newest version. Here a file is written under a temporary name, synchronised with the disk, and
renamed.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import DatasetError
from kedro_datasets.json import JSONDataset
from kedro_datasets.matplotlib import MatplotlibDataset
from kedro_datasets.pandas import CSVDataset, ParquetDataset
from kedro_datasets.text import TextDataset

from mf_nas_kd.files import written_whole


class AtomicSave:
    """Mixin that makes ``save`` atomic, for a versioned dataset that writes one file to ``_get_save_path()``.

    It stands before the dataset among the base classes. Files of remote protocols are saved as before: an object store
    shows an object only when it is complete. The error of ``load`` for a missing file says what to run.
    """

    _written: PurePosixPath | None = None

    def load(self) -> Any:
        read = super().load.__wrapped__  # type: ignore[misc]  # as in save
        try:
            return read(self)
        except FileNotFoundError as failure:
            path = self._get_load_path()  # type: ignore[attr-defined]  # a method of the dataset
            advice = "run the pipeline that saves it, or the whole flow: kedro run"
            raise DatasetError(f"{path} is not there: {advice}") from failure

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
    """Table in a CSV file, for people."""


class AtomicParquetDataset(AtomicSave, ParquetDataset):
    """Table in a Parquet file, for programs."""


class AtomicJSONDataset(AtomicSave, JSONDataset):
    """Small results in a JSON file."""


class AtomicMatplotlibDataset(AtomicSave, MatplotlibDataset):
    """Picture of matplotlib in a file."""


class AtomicTextDataset(AtomicSave, TextDataset):
    """Text in a file, such as an HTML page."""
