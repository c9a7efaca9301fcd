"""Images that cannot be read: all are named, and they end the run or are left out."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from mf_nas_kd.errors import MissingImagesError, printable
from mf_nas_kd.files import written_whole

logger = logging.getLogger(__name__)

OnUnreadable = Literal["refuse", "skip"]
"""What is done with images that cannot be read: they end the run, or are left out with a warning."""

LIST_NAME = "unreadable.csv"
NAMED_IN_LOG, NAMED_IN_ERROR = 10, 3


def settle_unreadable(
    failures: Mapping[int, str], names: Sequence[str], folder: Path | None, on_unreadable: OnUnreadable
) -> tuple[int, ...]:
    """Name the images that cannot be read, and refuse them if this is wanted.

    Args:
        failures: Why an image cannot be read, by its index.
        names: Names of all images.
        folder: Where ``unreadable.csv`` names them all; None for the log.
        on_unreadable: What is done with them.

    Returns:
        Indices of the images to leave out, ascending.

    Raises:
        MissingImagesError: If there is one and they are to be refused.
    """
    path = None if folder is None else folder / LIST_NAME
    rows = tuple(sorted(failures))
    if not rows:
        if path is not None:
            path.unlink(missing_ok=True)
        return rows
    if path is not None:
        _write(path, [(names[row], failures[row]) for row in rows])
    shown = rows if path is None else rows[:NAMED_IN_LOG]
    lines = [f"{_one_line(names[row])} ({_one_line(failures[row])})" for row in shown]
    what, where = f"{len(rows):,} of {len(names):,} images cannot be read", "" if path is None else f"; list: {path}"
    kept = "" if path is None else " (what is decoded is kept)"
    if on_unreadable == "skip":
        logger.warning("%s and are left out%s\n  %s", what, where, "\n  ".join(lines))
        return rows
    logger.warning("%s%s\n  %s", what, where, "\n  ".join(lines))
    more = "; and more" if len(rows) > NAMED_IN_ERROR else ""
    raise MissingImagesError(
        f"{what}: {'; '.join(lines[:NAMED_IN_ERROR])}{more}{where}. Repair or remove them and start again{kept}, or "
        "leave them out with images.on_unreadable: skip"
    )


def _write(path: Path, rows: Sequence[tuple[str, str]]) -> None:
    with written_whole(path) as temporary, temporary.open("w", newline="", errors="backslashreplace") as file:
        csv.writer(file).writerows([("file", "reason"), *rows])


def _one_line(text: str) -> str:
    """A text as one line; with escapes if it has characters that cannot be printed."""
    return printable(text.replace("\n", "\\n"))
