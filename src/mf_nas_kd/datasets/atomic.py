"""Kedro's file datasets with atomic saving: a file is complete, or it does not exist.

Kedro's own datasets leave a broken file if the process is killed while it saves; ``exists()`` then returns true, and
the broken file is the newest version. Here a file is written under a temporary name, synchronised with the disk, and
renamed.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import DatasetError
from kedro.io.core import VersionNotFoundError
from kedro_datasets._typing import HTMLPreview
from kedro_datasets.json import JSONDataset
from kedro_datasets.matplotlib import MatplotlibDataset
from kedro_datasets.pandas import CSVDataset, ParquetDataset
from kedro_datasets.text import TextDataset

from mf_nas_kd.datasets.previews import page_preview
from mf_nas_kd.files import written_whole


class AtomicSave:
    """Mixin that makes ``save`` atomic, for a versioned dataset that writes one file to ``_get_save_path()``.

    For one that writes a folder of files, see :class:`mf_nas_kd.datasets.files.FilesDataset`.

    It stands before the dataset among the base classes. Files of remote protocols are saved as before: an object store
    shows an object only when it is complete. The error of ``load`` for a missing file says what to run. Versions are
    found below any folder; Kedro would read ``[``, ``*`` and ``?`` in its path as a pattern.

    What a run has saved, it loads again: its own version, although another run of the study may have saved a newer one;
    and a file without versions only if no other run has saved something else there.
    """

    _written: PurePosixPath | None = None
    _saved: str | None = None
    """What this run has saved: the version, or the digest of a file without versions."""

    def load(self) -> Any:
        self._require_own()
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
            with self._whole(path) as temporary:
                self._written = PurePosixPath(temporary)
                try:
                    write(self, data)
                finally:
                    self._written = None
                self._saved = path.parent.name if self._is_versioned else self._digest(temporary)
        except OSError as failure:
            raise DatasetError(f"{path} cannot be written: {failure.strerror or failure}") from failure

    def _whole(self, path: Path) -> AbstractContextManager[Path]:
        """Context in which what is saved is written, to the path that it gives."""
        return written_whole(path)

    def _digest(self, path: Path) -> str:
        """Digest of what was saved to a path."""
        return file_digest(path)

    @property
    def _is_versioned(self) -> bool:
        return self._version is not None  # type: ignore[attr-defined]  # an attribute of the dataset

    def resolve_load_version(self) -> str | None:
        """This run's own version, if it has saved one and no other was asked for."""
        if self._is_versioned and self._saved is not None and self._version.load is None:  # type: ignore[attr-defined]
            return self._saved
        newest: str | None = super().resolve_load_version()  # type: ignore[misc]  # the next class is a dataset
        return newest

    def _require_own(self) -> None:
        path = Path(self._filepath)  # type: ignore[attr-defined]  # an attribute of the dataset
        if self._saved is None or self._is_versioned or not path.exists() or self._digest(path) == self._saved:
            return
        raise DatasetError(
            f"{path} was saved by another run meanwhile, with other parameters: give one of them a folder of its own "
            "(--params=data_dir=...)"
        )

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


def file_digest(path: Path) -> str:
    """SHA-256 digest of the content of a file, as hexadecimal characters."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class AtomicCSVDataset(AtomicSave, CSVDataset):
    """Table in a CSV file, for people."""


class AtomicParquetDataset(AtomicSave, ParquetDataset):
    """Table in a Parquet file, for programs."""


class AtomicJSONDataset(AtomicSave, JSONDataset):
    """Small results in a JSON file."""


class AtomicMatplotlibDataset(AtomicSave, MatplotlibDataset):
    """Picture of matplotlib in a file."""


class AtomicTextDataset(AtomicSave, TextDataset):
    """Text in a file."""


class AtomicPageDataset(AtomicSave, TextDataset):
    """An HTML page in a file."""

    def preview(self) -> HTMLPreview:
        """The beginning of the page, for kedro-viz."""
        return page_preview(self.load())
