"""Files: written as a whole or not at all, and read only if they are files of a bounded size."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Write a file atomically: the block writes to a temporary path, which is renamed to ``path`` at its end.

    The temporary file lies in the folder of ``path``, and its content is synchronised with the disk before it is
    renamed. If the block raises, ``path`` stays as it was and the temporary file is removed. Only a process that is
    killed leaves the temporary file behind.

    Args:
        path: The file to write; missing parent folders are made.

    Yields:
        The temporary path.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(Path(folder) / "names.txt") as temporary:
    ...         _ = temporary.write_text("kd")
    ...     [file.name for file in Path(folder).iterdir()]
    ['names.txt']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Write a folder of files atomically: the block writes to a temporary folder, which is renamed at its end.

    As :func:`written_whole`, for a folder without folders in it. A folder that is there already is moved aside before
    the new one takes its place, and removed afterwards: a process that is killed between the two renamings leaves no
    folder at ``path``, never a part of one.

    Args:
        path: The folder to write; missing parent folders are made.

    Yields:
        The temporary folder, empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, aside = (path.with_name(f".{uuid.uuid4().hex}.{path.name}") for _ in range(2))
    try:
        temporary.mkdir()
        yield temporary
        for written in (*temporary.iterdir(), temporary):
            _synchronise(written)
        if path.exists():
            path.replace(aside)
        temporary.replace(path)
    finally:
        for left in (temporary, aside):
            shutil.rmtree(left, ignore_errors=True)


def _synchronise(path: Path) -> None:
    """Have the disk hold the content of a file, or the names in a folder."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


KINDS: Mapping[str, Callable[[int], bool]] = {
    "a folder": stat.S_ISDIR,
    "a named pipe": stat.S_ISFIFO,
    "a socket": stat.S_ISSOCK,
    "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
}
"""What a path can lead to beside a file; reading some of these waits for ever, or never ends."""


def require_file(path: Path, largest_bytes: int) -> None:
    """Refuse what is no file, or too large to be what the caller reads. To be called before the file is opened.

    Args:
        path: A path; symbolic links are followed.
        largest_bytes: Largest size of the file.

    Raises:
        FileNotFoundError: If there is nothing.
        OSError: If it is no file, or larger; the message says what it is.

    >>> require_file(Path("/dev/zero"), largest_bytes=1000)
    Traceback (most recent call last):
    OSError: it is a device, not a file
    """
    status = path.stat()
    for kind, matches in KINDS.items():
        if matches(status.st_mode):
            raise OSError(f"it is {kind}, not a file")
    if status.st_size > largest_bytes:
        raise OSError(f"it has {status.st_size:,} bytes, but must have at most {largest_bytes:,}")
