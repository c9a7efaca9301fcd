"""Bytes in one file: an ONNX model is saved as any program will read it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractVersionedDataset, Version

from mf_nas_kd.datasets.atomic import AtomicSave


class LocalFileDataset(AbstractVersionedDataset[Any, Any]):
    """What is the same for datasets of one local file.

    Args:
        filepath: Where; with versions, a folder of this name.
        version: Set by Kedro for versioned datasets.
        metadata: For kedro-viz.
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
    """Bytes, saved atomically."""
