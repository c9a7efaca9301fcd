"""Kedro's file datasets with atomic saving: a file is complete, or it does not exist.

Kedro's own datasets leave a broken file if the process is killed while it saves; ``exists()`` then returns true, and
the broken file is the newest version. Here a file is written under a temporary name, synchronised with the disk, and
renamed.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import DatasetError
from kedro.io.core import VersionNotFoundError
from kedro_datasets.json import JSONDataset
from kedro_datasets.matplotlib import MatplotlibDataset
from kedro_datasets.pandas import CSVDataset, ParquetDataset
from kedro_datasets.text import TextDataset

from mf_nas_kd.files import written_whole


class AtomicSave:
    """Mixin that makes ``save`` atomic, for a versioned dataset that writes one file to ``_get_save_path()``.

    It stands before the dataset among the base classes. Files of remote protocols are saved as before: an object store
    shows an object only when it is complete. The error of ``load`` for a missing file says what to run. Versions are
    found below any folder; Kedro would read ``[``, ``*`` and ``?`` in its path as a pattern.
    """

    _written: PurePosixPath | None = None

    def load(self) -> Any:
        read = super().load.__wrapped__  # type: ignore[misc]  # as in save
        try:
            return read(self)
        except (FileNotFoundError, VersionNotFoundError) as failure:
            path = self._filepath  # type: ignore[attr-defined]  # an attribute of the dataset
            advice = "run the pipeline that saves it, or the whole flow: kedro run"
            raise DatasetError(f"{path} is not there: {advice}") from failure
        except DatasetError:
            raise
        except Exception as failure:  # the formats have no common error
            path = self._get_load_path()  # type: ignore[attr-defined]  # a method of the dataset
            raise DatasetError(f"{path} cannot be read: {failure}") from failure

    def save(self, data: Any) -> None:
        # Without Kedro's wrapper, which this method gets itself. The next class is a dataset.
        write = super().save.__wrapped__  # type: ignore[misc]
        if getattr(self, "_protocol", "file") != "file":
            write(self, data)
            return
        path = Path(self._get_save_path())
        try:
            with written_whole(path) as temporary:
                self._written = PurePosixPath(temporary)
                try:
                    write(self, data)
                finally:
                    self._written = None
        except OSError as failure:
            raise DatasetError(f"{path} cannot be written: {failure.strerror or failure}") from failure

    def _get_save_path(self) -> PurePosixPath:
        if self._written is not None:
            return self._written
        path: PurePosixPath = super()._get_save_path()  # type: ignore[misc]  # the next class is a dataset
        return path

    def _get_versions(self) -> list[str]:
        if getattr(self, "_protocol", "file") != "file":
            remote: list[str] = super()._get_versions()  # type: ignore[misc]  # as above
            return remote
        path = Path(self._filepath)  # type: ignore[attr-defined]  # an attribute of the dataset
        versions = sorted(path.iterdir(), reverse=True) if path.is_dir() else []
        return [str(version / path.name) for version in versions if (version / path.name).exists()]


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
