"""A folder of files, such as the one with the network that the user keeps."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from kedro.io import DatasetError

from mf_nas_kd.datasets.atomic import AtomicSave, file_digest
from mf_nas_kd.datasets.binary import LocalFileDataset
from mf_nas_kd.datasets.previews import TextPreview, text_preview
from mf_nas_kd.errors import shown
from mf_nas_kd.files import folder_written_whole
from mf_nas_kd.seeding import fingerprint

LONGEST_NAME = 255  # bytes of a file's name, on usual file systems


class _Files(LocalFileDataset):
    def load(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in _files_in(Path(self._get_load_path()))}

    def save(self, data: Mapping[str, bytes]) -> None:
        folder = Path(self._get_save_path())
        for name, content in data.items():
            (folder / name).write_bytes(content)

    def _exists(self) -> bool:
        return Path(self._get_load_path()).is_dir()


class FilesDataset(AtomicSave, _Files):
    """Contents of files by their names, saved as one folder: it is complete, or it does not exist.

    What is loaded are the files of the folder, without folders in it.

    Args:
        filepath: Path of the folder; with versions, of the folder of all versions.
        version: Version, set by Kedro for versioned datasets.
        metadata: Metadata for kedro-viz.
    """

    def save(self, data: Mapping[str, bytes]) -> None:
        for name in data:
            _require_plain(name)
        super().save(data)

    def preview(self, file: str) -> TextPreview:
        """One of the files, for kedro-viz."""
        return text_preview(self.load(), file)

    def _whole(self, path: Path) -> AbstractContextManager[Path]:
        return folder_written_whole(path)

    def _digest(self, path: Path) -> str:
        return fingerprint({file.name: file_digest(file) for file in _files_in(path)})


def _files_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file())


def _require_plain(name: str) -> None:
    """Refuse a name that does not lie in the folder itself, or that no file can have."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        length = 0
    if not 0 < length <= LONGEST_NAME or name in (".", "..") or any(character in name for character in "/\\\0"):
        allowed = (
            f"a name of 1 to {LONGEST_NAME} bytes of UTF-8, without a slash, a backslash or a character of code zero"
        )
        raise DatasetError(f"name of a file is {shown(name)}, but must be {allowed}")
