"""Listing of the image files in a class folder: every file once, without those of other programs.

Folders are read once, and files are not opened: millions of files are listed by their names and states only.
"""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from mf_nas_kd.errors import MissingImagesError, printable
from mf_nas_kd.image_files.opening import SUFFIXES

logger = logging.getLogger(__name__)

NAMED_PATHS = 5  # most that a warning names
BOOKKEEPING = {
    "__macosx",  # archives made on macOS
    "@eadir",  # thumbnails of Synology's file servers
    "@tmp",
    "#recycle",
    "#snapshot",
    "@recycle",  # QNAP's file servers
    "$recycle.bin",  # Windows
    "system volume information",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "lost+found",
    "__pycache__",
}
"""Names, in lower case, of files and folders that other programs keep; hidden ones are left out as well."""


class FileState(NamedTuple):
    """An image file.

    Attributes:
        path: Path of the file.
        device: Number of its file system.
        inode: Its number there, equal for all links to one file; 0 where it cannot be reached or has none.
        size: Size in bytes; 0 where the file cannot be reached.
        modified: Time of the last modification, in nanoseconds; with the size, it shows that a file was replaced.
    """

    path: str
    device: int
    inode: int
    size: int
    modified: int


class LeftOut:
    """Files and folders that are left aside, by the reason."""

    def __init__(self) -> None:
        self._paths: dict[str, dict[str, None]] = defaultdict(dict)

    def add(self, what: str, path: str) -> None:
        """Note a file or folder, which counts once."""
        self._paths[what][path] = None

    def warn(self) -> None:
        """Log a warning for each reason, which names the first files or folders."""
        for what, paths in self._paths.items():
            more = "" if len(paths) <= NAMED_PATHS else " ..."
            named = ", ".join(printable(path).replace("\n", "\\n") for path in islice(paths, NAMED_PATHS))
            logger.warning("%d %s are ignored: %s%s", len(paths), what, named, more)


def is_image_name(name: str) -> bool:
    """Whether a file is taken to be an image, by its name."""
    return name.lower().endswith(SUFFIXES)


def is_left_out(entry: os.DirEntry[str], left_out: LeftOut) -> bool:
    """Whether a file or folder is hidden, or one that another program keeps beside the images."""
    if entry.name.lower() in BOOKKEEPING:
        left_out.add("files and folders of other programs", entry.path)
        return True
    if not entry.name.startswith("."):
        return False
    if _holds_images(entry):
        left_out.add("hidden files and folders with images", entry.path)
    return True


def _holds_images(entry: os.DirEntry[str]) -> bool:
    """Whether a hidden file is an image, or a hidden folder has one; what macOS keeps beside a file is none."""
    if not entry.is_dir():
        return is_image_name(entry.name) and not entry.name.startswith("._")
    try:
        with os.scandir(entry) as inner:
            return any(is_image_name(other.name) and not other.name.startswith("._") for other in inner)
    except OSError:
        return False


def list_images(class_folder: Path, left_out: LeftOut) -> list[FileState]:
    """List the images of a class, in the order of their paths.

    Links are followed, but no file counts twice.

    Args:
        class_folder: The folder of a class; images may also be in folders in it.
        left_out: Receives what is left aside.

    Raises:
        MissingImagesError: If a folder cannot be read.
    """
    files: list[FileState] = []
    seen = set[tuple[int, int]]()
    for entry in sorted(_visible_files(class_folder, left_out), key=lambda entry: entry.path.replace(os.sep, "\0")):
        if not is_image_name(entry.name):
            left_out.add(f"files that do not end in {', '.join(SUFFIXES)}", entry.path)
            continue
        try:
            status = entry.stat()
        except OSError:  # for example a broken link; it is named when all are decoded
            files.append(FileState(entry.path, 0, 0, 0, 0))
            continue
        file = FileState(entry.path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if file.inode and (file.device, file.inode) in seen:
            left_out.add("links to images that their class has already", entry.path)
            continue
        seen.add((file.device, file.inode))
        files.append(file)
    return files


def _visible_files(class_folder: Path, left_out: LeftOut) -> Iterator[os.DirEntry[str]]:
    """Files of a class folder and of the folders in it, without those of other programs.

    Links are followed, but no folder is entered twice, and none that contains the class folder: a link to it leads to
    the class itself and to all others.
    """
    contained = class_folder.resolve()
    entered = {_identity(class_folder.stat(), str(class_folder))}

    def enters(folder: os.DirEntry[str]) -> bool:
        if is_left_out(folder, left_out):
            return False
        if folder.is_symlink() and contained.is_relative_to(Path(folder.path).resolve()):
            left_out.add("links to folders that contain their own class folder", folder.path)
            return False
        identity = _identity(folder.stat(), folder.path)
        if identity in entered:
            left_out.add("links to folders that their class has already", folder.path)
            return False
        entered.add(identity)
        return True

    waiting = [str(class_folder)]
    while waiting:
        entries = entries_of(waiting.pop())
        folders = sorted((e for e in entries if e.is_dir()), key=lambda folder: (folder.is_symlink(), folder.name))
        waiting += reversed([folder.path for folder in folders if enters(folder)])
        yield from (entry for entry in entries if not entry.is_dir() and not is_left_out(entry, left_out))


def entries_of(folder: str | Path) -> list[os.DirEntry[str]]:
    """What is in a folder, in the order of the names.

    Raises:
        MissingImagesError: If the folder cannot be read.
    """
    try:
        with os.scandir(str(folder)) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as failure:
        raise MissingImagesError(f"the folder {failure.filename} cannot be read: {failure.strerror}") from failure


def _identity(status: os.stat_result, path: str) -> tuple[int, int] | str:
    """What all paths of one folder have in common; the path itself on file systems that do not number them."""
    return (status.st_dev, status.st_ino) if status.st_ino else path
