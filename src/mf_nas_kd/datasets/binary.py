"""Bytes in one local file, such as an ONNX model."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractVersionedDataset, Version

from mf_nas_kd.datasets.atomic import AtomicSave


class LocalFileDataset(AbstractVersionedDataset[Any, Any]):
    """Base of the datasets of one local file.

    Args:
        filepath: Path of the file; with versions, of the folder of all versions.
        version: Version, set by Kedro for versioned datasets.
        metadata: Metadata for kedro-viz.
    """

    def __init__(
        self, *, filepath: str, version: Version | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(PurePosixPath(filepath), version)
        self.metadata = metadata

    def _exists(self) -> bool:
        return Path(self._get_load_path()).is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "version": self._version}


class _Bytes(LocalFileDataset):
    def load(self) -> bytes:
        return Path(self._get_load_path()).read_bytes()

    def save(self, data: bytes) -> None:
        Path(self._get_save_path()).write_bytes(data)


class BinaryDataset(AtomicSave, _Bytes):
    """Bytes in one local file, saved atomically."""
