"""Atomic writing of files: a file is complete, or it does not exist."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
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
