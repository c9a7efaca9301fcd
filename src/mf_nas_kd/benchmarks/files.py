"""Reading of benchmark files, local or at a URL, with errors that name the file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mf_nas_kd.errors import BenchmarkFileError, InvalidValueError
from mf_nas_kd.files import require_file

LARGEST_FILE_BYTES = 16 * 2**20
"""Largest size of a benchmark file. The published table has 0.14 MB, the one of NAS-Bench-201 2.3 MB."""


def read_bytes(url: str) -> bytes:
    """Read the content of a file.

    Args:
        url: A local path, or a URL of any protocol of fsspec (``https://``, ``s3://``, ``memory://``).

    Raises:
        BenchmarkFileError: If the file does not exist, cannot be read, or is larger than ``LARGEST_FILE_BYTES``.
    """
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
        if isinstance(filesystem, LocalFileSystem) and not Path(path).is_dir():  # a folder's error is raised below
            require_file(Path(path), sys.maxsize)
        with filesystem.open(path, "rb") as file:
            content: bytes = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError as failure:
        raise BenchmarkFileError(f"{without_password(url)} is not there") from failure
    except Exception as failure:  # the protocols of fsspec have no common error
        reason = str(failure).replace(url, without_password(url))
        raise BenchmarkFileError(
            f"{without_password(url)} cannot be read: {type(failure).__name__}: {reason}"
        ) from failure
    if len(content) > LARGEST_FILE_BYTES:
        raise BenchmarkFileError(
            f"{without_password(url)} is too large for a benchmark: at most {LARGEST_FILE_BYTES:,} bytes are read"
        )
    return content


@contextmanager
def naming(url: str) -> Iterator[None]:
    """Context manager that turns an invalid value in a file into an error that names the file.

    Args:
        url: Path or URL of the file.

    Raises:
        BenchmarkFileError: If the block raises an :class:`~mf_nas_kd.errors.InvalidValueError`.
    """
    try:
        yield
    except InvalidValueError as failure:
        raise BenchmarkFileError(f"{without_password(url)}: {failure}") from failure


def without_password(url: str) -> str:
    """The URL with its password replaced, for messages.

    >>> without_password("https://me:secret@host/benchmark.pickle")
    'https://me:***@host/benchmark.pickle'
    """
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@") if password else url
