"""Image files in one folder per class: ``train/`` with optional ``val/`` and ``test/`` beside it."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from mf_nas_kd.cores import available_cores
from mf_nas_kd.errors import InvalidValueError, MissingImagesError
from mf_nas_kd.images.dataset import Pixels
from mf_nas_kd.images.decoding import SUFFIXES, VERSION, decode_files, decode_into_map, printable
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.registry import Options
from mf_nas_kd.seeding import fingerprint

logger = logging.getLogger(__name__)

SPLIT_FOLDERS = {"train": "train", "val": "validation", "test": "test"}
SPLIT_LIKE_NAMES = {"train", "training", "val", "valid", "validation", "test", "testing"}
FILES_PER_CHUNK = 256
SMALL_BYTES = 32 * 2**20  # less is decoded in this process: starting one takes 2 to 3 s, decoding 32 MiB 3 s
NAMED_FILES = 5  # most files that a message names; the log names all
BOOKKEEPING = {
    "__macosx",  # archives made on macOS
    "@eadir",  # thumbnails of Synology's file servers
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

LeftOut = defaultdict[str, list[Path]]
"""Files and folders that are ignored, by the reason."""


class ImageFolderOptions(Options):
    """Where the images are, and how they are scaled and converted.

    Attributes:
        folder: Holds ``train/<class>/`` and optionally ``val/<class>/`` and ``test/<class>/``; or ``<class>/`` at once.
        image_size: Height and width in pixels: an image is scaled until its shorter side fits, and cropped.
        channels: 3 for colour, 1 for grey; images of the other kind are converted.
    """

    folder: str | None
    image_size: Annotated[int, Field(ge=8)]
    channels: Literal[1, 3]


@dataclass(frozen=True)
class _File:
    """An image file with its split and class.

    Attributes:
        path: Path below the folder of the images.
        split: Name of the split.
        class_name: Name of the class.
        identity: Equal for all paths, by whatever links, of one file.
        size: Size in bytes; 0 where the file cannot be reached.
        modified: Time of the last modification, in nanoseconds; with the size, it shows that a file was replaced.
    """

    path: Path
    split: str
    class_name: str
    identity: Hashable
    size: int
    modified: int

    @classmethod
    def of(cls, path: Path, split: str, class_name: str) -> Self:
        """Look at a file without opening it. One that cannot be reached is named when all are decoded."""
        try:
            status = path.stat()
        except OSError:  # for example a broken link
            return cls(path, split, class_name, path, 0, 0)
        return cls(path, split, class_name, _identity(path, status), status.st_size, status.st_mtime_ns)


class ImageFolder:
    """A source of PNG, JPEG and WebP files in one folder per class.

    Links are followed, and every file counts once: further links to it in its class are ignored with a warning, as are
    links to folders that contain their own class folder.

    Raises:
        MissingImagesError: If the folder does not exist, its folders have unexpected names, a class has no image or
            only one training image, a split lacks a class, or a file is linked into two classes or two splits.
        InvalidValueError: If no folder is given.
    """

    Options: ClassVar[type[Options]] = ImageFolderOptions

    def __init__(self, options: ImageFolderOptions) -> None:
        if options.folder is None:
            allowed = "a folder of class folders, for example kedro run --params=images_dir=/my/images"
            raise InvalidValueError("images.options.image_folder.folder", None, allowed)
        root = Path(options.folder).expanduser()
        self._files = _list_files(root)
        self._size, self._channels = options.image_size, options.channels
        self.class_names = tuple(sorted({file.class_name for file in self._files}))
        label_of = {name: label for label, name in enumerate(self.class_names)}
        self.labels = np.array([label_of[file.class_name] for file in self._files], dtype=np.int64)
        self.splits = np.array([file.split for file in self._files])
        self.image_shape: tuple[int, int, int] = (options.channels, options.image_size, options.image_size)
        self.names = tuple(file.path.relative_to(root).as_posix() for file in self._files)
        states = [(name, file.size, file.modified) for name, file in zip(self.names, self._files, strict=True)]
        self.key = fingerprint([VERSION, states, options.image_size, options.channels])
        self._bytes = sum(file.size for file in self._files)

    def decode(self, pixels: Pixels) -> None:
        paths = [file.path for file in self._files]
        chunks = [range(i, min(i + FILES_PER_CHUNK, len(paths))) for i in range(0, len(paths), FILES_PER_CHUNK)]
        map_path = pixels.filename if isinstance(pixels, np.memmap) else None
        if map_path is not None and self._bytes > SMALL_BYTES:
            decoded = self._in_processes(str(map_path), paths, chunks)
        else:
            decoded = self._in_this_process(pixels, paths, chunks)
        unreadable: list[str] = []
        with progress_bar("decoding", total=len(paths), shown=len(chunks) > 1) as progress:
            for count, failures in decoded:
                unreadable += failures
                progress.update(count)
        if unreadable:
            unreadable.sort()
            for line in unreadable:
                logger.warning("Image cannot be read: %s", line)
            named = "; ".join(unreadable[:NAMED_FILES])
            more = f"; and {len(unreadable) - NAMED_FILES} more (see the log)" if len(unreadable) > NAMED_FILES else ""
            raise MissingImagesError(f"{len(unreadable)} of {len(paths)} images cannot be read: {named}{more}")

    def _in_this_process(
        self, pixels: Pixels, paths: Sequence[Path], chunks: Sequence[range]
    ) -> Iterator[tuple[int, list[str]]]:
        """Number of images and lines of failures of each chunk, decoded one after the other."""
        for chunk in chunks:
            yield len(chunk), decode_files([paths[i] for i in chunk], pixels[chunk.start : chunk.stop])

    def _in_processes(
        self, map_path: str, paths: Sequence[Path], chunks: Sequence[range]
    ) -> Iterator[tuple[int, list[str]]]:
        """Number of images and lines of failures of each chunk; every process writes its chunks into the mapped file.

        Raises:
            MissingImagesError: If a process was killed.
        """
        with ProcessPoolExecutor(available_cores(), get_context("spawn")) as pool:
            futures = {
                pool.submit(decode_into_map, [paths[i] for i in chunk], map_path, chunk.start): len(chunk)
                for chunk in chunks
            }
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BrokenProcessPool as failure:
                raise MissingImagesError(
                    "a process that decodes images was killed, perhaps because memory ran out"
                ) from failure


def _list_files(root: Path) -> list[_File]:
    """All image files of all splits, in a fixed order, each once.

    Raises:
        MissingImagesError: If the folders or their files are not as expected, or a file is in two classes or splits.
    """
    if not root.is_dir():
        raise MissingImagesError(f"there is no folder {str(root)!r}; it must hold train/<class>/ or <class>/ folders")
    left_out: LeftOut = defaultdict(list)
    parts = _split_folders(root, left_out)
    files = [file for split, part in parts.items() for file in _files_of_split(split, part, left_out)]
    for what, paths in left_out.items():
        more = "" if len(paths) == 1 else " ..."
        logger.warning("%d %s are ignored: %s%s", len(paths), what, printable(paths[0]), more)
    _require_one_place(files)
    _require_all_classes(files, parts)
    return files


def _require_one_place(files: Iterable[_File]) -> None:
    """Refuse a file that links bring into two classes (which is its label?) or into two splits."""
    first: dict[Hashable, _File] = {}
    for file in files:
        other = first.setdefault(file.identity, file)
        if other is not file:
            raise MissingImagesError(
                f"{printable(other.path)} and {printable(file.path)} are one file (a link), but an image must be in "
                "one class and one split: remove one of them"
            )


def _require_all_classes(files: Sequence[_File], parts: Mapping[str, Path]) -> None:
    """Refuse splits that lack a class, and classes with a single training image."""
    members: dict[str, dict[str, list[Path]]] = {split: {} for split in parts}
    for file in files:
        members[file.split].setdefault(file.class_name, []).append(file.path)
    for split, part in parts.items():
        for name in sorted(members["train"].keys() ^ members[split].keys()):
            lacking = part if name in members["train"] else parts["train"]
            raise MissingImagesError(
                f"the class {name!r} is missing from {str(lacking)!r}: every split must have images of every class"
            )
    for name, paths in sorted(members["train"].items()):
        if len(paths) < 2:
            raise MissingImagesError(
                f"the class {name!r} has one training image, {printable(paths[0])}, but at least 2 are needed"
            )


def _split_folders(root: Path, left_out: LeftOut) -> dict[str, Path]:
    """Folder of every split; if the root holds class folders only, all images are training images.

    Raises:
        MissingImagesError: If folders have names like those of splits, but not train, val and test.
    """
    folders = _folders(root, left_out)
    found = {SPLIT_FOLDERS[name]: folder for name, folder in folders.items() if name in SPLIT_FOLDERS}
    lookalikes = [name for name in folders if name.lower() in SPLIT_LIKE_NAMES and name not in SPLIT_FOLDERS]
    if lookalikes or (found and "train" not in found):
        raise MissingImagesError(
            f"the folders {', '.join(folders)} in {str(root)!r} are not what is expected: train, with or without "
            "val and test beside it; or one folder per class, none of which has the name of a split"
        )
    others = sorted(set(folders) - set(SPLIT_FOLDERS)) if found else []
    if others:
        logger.warning("Folders beside train, val and test are ignored: %s", ", ".join(others))
    return found or {"train": root}


def _folders(parent: Path, left_out: LeftOut) -> dict[str, Path]:
    """Folders in a folder by their names, in alphabetical order, without those of other programs.

    Raises:
        MissingImagesError: If a name has characters that cannot be printed, or a link leads nowhere.
    """
    folders = {}
    for path in sorted(parent.iterdir()):
        if _is_bookkeeping(path, left_out):
            continue
        if path.is_symlink() and not path.exists():
            raise MissingImagesError(f"the link {printable(path)} leads nowhere")
        if not path.is_dir():
            continue
        if not path.name.isprintable():
            raise MissingImagesError(
                f"the name of the folder {str(path)!r} has characters that cannot be printed: rename it"
            )
        folders[path.name] = path
    return folders


def _is_bookkeeping(path: Path, left_out: LeftOut) -> bool:
    """Whether a file or folder is hidden, or one that another program keeps beside the images."""
    if path.name.lower() in BOOKKEEPING:
        left_out["files and folders of other programs"].append(path)
        return True
    return path.name.startswith(".")


def _files_of_split(split: str, part: Path, left_out: LeftOut) -> Iterator[_File]:
    """Every image of a split, in a fixed order, once in each class.

    Raises:
        MissingImagesError: If there is no class folder, or one without images.
    """
    folders = _folders(part, left_out)
    if not folders:
        raise MissingImagesError(f"there are no class folders in {str(part)!r}")
    for name, folder in folders.items():
        files: dict[Hashable, _File] = {}
        for path in sorted(_visible_files(folder, left_out)):
            if path.suffix.lower() not in SUFFIXES:
                left_out[f"files that do not end in {', '.join(SUFFIXES)}"].append(path)
                continue
            file = _File.of(path, split, name)
            if files.setdefault(file.identity, file) is not file:
                left_out["links to images that their class has already"].append(path)
        if not files:
            raise MissingImagesError(
                f"the class {name!r} has no image in {str(folder)!r}: no file ends in {', '.join(SUFFIXES)}"
            )
        yield from files.values()


def _visible_files(class_folder: Path, left_out: LeftOut) -> Iterator[Path]:
    """Files of a class folder and of the folders in it, without those of other programs.

    Links are followed, but no folder is entered twice, and none that contains the class folder: a link to it leads to
    the class itself and to all others.
    """
    contained = class_folder.resolve()
    entered = {_identity(class_folder, class_folder.stat())}

    def enters(folder: Path) -> bool:
        if _is_bookkeeping(folder, left_out):
            return False
        if folder.is_symlink() and contained.is_relative_to(folder.resolve()):
            left_out["links to folders that contain their own class folder"].append(folder)
            return False
        identity = _identity(folder, folder.stat())
        if identity in entered:
            left_out["links to folders that their class has already"].append(folder)
            return False
        entered.add(identity)
        return True

    for current, inner, names in os.walk(class_folder, followlinks=True, onerror=_refuse_folder):
        folders = sorted((Path(current) / name for name in inner), key=lambda path: (path.is_symlink(), path))
        inner[:] = [folder.name for folder in folders if enters(folder)]
        yield from (path for path in (Path(current) / name for name in names) if not _is_bookkeeping(path, left_out))


def _refuse_folder(failure: OSError) -> None:
    raise MissingImagesError(f"the folder {failure.filename} cannot be read: {failure.strerror}") from failure


def _identity(path: Path, status: os.stat_result) -> Hashable:
    """What all paths of one file or folder have in common; the path itself on file systems that do not number them."""
    return (status.st_dev, status.st_ino) if status.st_ino else path
