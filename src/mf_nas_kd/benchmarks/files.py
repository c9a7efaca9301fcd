"""Files of benchmarks, local or at a URL, and what is wrong with them said with their names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import fsspec

from mf_nas_kd.errors import BenchmarkFileError, InvalidValueError

LARGEST_FILE_BYTES = 64 * 2**20
"""The published table has 0.14 MB, the one of NAS-Bench-201 2.3 MB."""


def read_bytes(url: str) -> bytes:
    """The content of a file.

    Args:
        url: A local path, or a URL of any protocol that fsspec knows (``https://``, ``s3://``, ``memory://``).

    Raises:
        BenchmarkFileError: If it is not there, cannot be read, or is larger than ``LARGEST_FILE_BYTES``.
    """
    try:
        with fsspec.open(url, "rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError as failure:
        raise BenchmarkFileError(f"{without_password(url)} is not there") from failure
    except Exception as failure:  # the drivers of the protocols have no error in common
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
    """Within the block, a value that is not allowed is an error of the file.

    Raises:
        BenchmarkFileError: In place of an :class:`~mf_nas_kd.errors.InvalidValueError`.
    """
    try:
        yield
    except InvalidValueError as failure:
        raise BenchmarkFileError(f"{without_password(url)}: {failure}") from failure


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@") if password else url
