"""Image files in one folder per class: ``train/`` with optional ``val/`` and ``test/`` beside it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from mf_nas_kd.cores import available_cores
from mf_nas_kd.errors import InvalidValueError, MissingImagesError
from mf_nas_kd.images.dataset import Pixels
from mf_nas_kd.images.decoding import SUFFIXES, decode_files, decode_into_map
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.registry import Options
from mf_nas_kd.seeding import fingerprint

logger = logging.getLogger(__name__)

SPLIT_FOLDERS = {"train": "train", "val": "validation", "test": "test"}
SPLIT_LIKE_NAMES = {"train", "training", "val", "valid", "validation", "test", "testing"}
FILES_PER_CHUNK = 256
SMALL_BYTES = 32 * 2**20  # less is decoded in this process: starting one takes 2 to 3 s, decoding 32 MiB 3 s
NAMED_FILES = 5  # most files that a message names


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
    """An image file with its split and class."""

    path: Path
    split: str
    class_name: str


class ImageFolder:
    """A source of PNG, JPEG and WebP files in one folder per class.

    Raises:
        MissingImagesError: If the folder does not exist, its folders have unexpected names, a class has no image or
            only one training image, or a split lacks a class.
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
        states = [(str(f.path.relative_to(root)), *_state(f.path)) for f in self._files]
        self.key = fingerprint([states, options.image_size, options.channels])
        self._bytes = sum(size for _, size, _ in states)

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
            named = "; ".join(sorted(unreadable)[:NAMED_FILES])
            more = f"; and {len(unreadable) - NAMED_FILES} more" if len(unreadable) > NAMED_FILES else ""
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


def _state(path: Path) -> tuple[int, int]:
    """Size in bytes and modification time in nanoseconds of a file, by which a replaced file is recognised.

    Raises:
        MissingImagesError: If the file cannot be read.
    """
    try:
        status = path.stat()
    except OSError as failure:  # for example a broken link
        raise MissingImagesError(f"the image {path} cannot be read: {failure.strerror}") from failure
    return status.st_size, status.st_mtime_ns


def _list_files(root: Path) -> list[_File]:
    """All image files of all splits, in a fixed order.

    Raises:
        MissingImagesError: If the folders or their files are not as expected.
    """
    if not root.is_dir():
        raise MissingImagesError(f"there is no folder {str(root)!r}; it must hold train/<class>/ or <class>/ folders")
    parts = _split_folders(root)
    files = [_File(path, split, name) for split, part in parts.items() for name, path in _class_files(part)]
    _require_all_classes(files, parts)
    return files


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
                f"the class {name!r} has one training image, {paths[0]}, but at least 2 are needed"
            )


def _split_folders(root: Path) -> dict[str, Path]:
    """Folder of every split; if the root holds class folders only, all images are training images.

    Raises:
        MissingImagesError: If folders have names like those of splits, but not train, val and test.
    """
    folders = _folders(root)
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


def _folders(parent: Path) -> dict[str, Path]:
    """Folders in a folder by their names, in alphabetical order; hidden ones are left out.

    Raises:
        MissingImagesError: If a name has characters that cannot be printed.
    """
    folders = sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
    for folder in folders:
        if not folder.name.isprintable():
            raise MissingImagesError(
                f"the name of the folder {str(folder)!r} has characters that cannot be printed: rename it"
            )
    return {folder.name: folder for folder in folders}


def _class_files(part: Path) -> Iterator[tuple[str, Path]]:
    """Class name and path of every image of a split, in a fixed order.

    Raises:
        MissingImagesError: If there is no class folder, or one without images.
    """
    ignored: list[Path] = []
    folders = _folders(part)
    if not folders:
        raise MissingImagesError(f"there are no class folders in {str(part)!r}")
    for name, folder in folders.items():
        visible = sorted(_visible_files(folder))
        images = [path for path in visible if path.suffix.lower() in SUFFIXES]
        ignored += [path for path in visible if path.suffix.lower() not in SUFFIXES]
        if not images:
            raise MissingImagesError(
                f"the class {name!r} has no image in {str(folder)!r}: no file ends in {', '.join(SUFFIXES)}"
            )
        yield from ((name, path) for path in images)
    if ignored:
        ends = ", ".join(SUFFIXES)
        logger.warning("%d files that do not end in %s are ignored: %s ...", len(ignored), ends, ignored[0])


def _visible_files(folder: Path) -> Iterator[Path]:
    """Files of a folder and of the folders in it, without hidden ones; links are followed."""
    for current, inner, names in os.walk(folder, followlinks=True):
        inner[:] = [name for name in inner if not name.startswith(".")]
        yield from (Path(current) / name for name in names if not name.startswith("."))
