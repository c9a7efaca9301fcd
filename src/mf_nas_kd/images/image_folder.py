"""Image files in one folder per class: ``train/`` with optional ``val/`` and ``test/`` beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from mf_nas_kd.errors import InvalidValueError, MissingImagesError, printable
from mf_nas_kd.image_files import Pixels
from mf_nas_kd.image_files.decoding import VERSION
from mf_nas_kd.image_files.opening import SUFFIXES
from mf_nas_kd.images.journal import Part
from mf_nas_kd.images.layout import class_folders, one_form, split_folders
from mf_nas_kd.images.listing import FileState, LeftOut, list_images
from mf_nas_kd.images.parallel import decode_here, decode_in_processes
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.registry import Options
from mf_nas_kd.seeding import fingerprint

SMALL_BYTES = 32 * 2**20  # less is decoded in this process: starting one takes 2 to 3 s, decoding 32 MiB 3 s
BAR_DELAY_SECONDS = 1.0

Side = Annotated[int, Field(ge=8, le=1024)]
"""Height or width of an image, in pixels."""


class ImageFolderOptions(Options):
    """Where the images are, and how they are scaled and converted.

    Attributes:
        folder: Holds ``train/<class>/`` and optionally ``val/<class>/`` and ``test/<class>/``; or ``<class>/`` at once.
        image_size: Height and width in pixels, or one number for both: an image is scaled until it covers them, and
            cropped in the middle.
        channels: 3 for colour, 1 for grey; images of the other kind are converted.
    """

    folder: str | None
    image_size: Side | tuple[Side, Side]
    channels: Literal[1, 3]

    @property
    def height_width(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image_size if isinstance(self.image_size, tuple) else (self.image_size, self.image_size)


class ImageFolder:
    """A source of image files in one folder per class.

    Links are followed, and every file counts once: further links to it in its class are ignored with a warning, as are
    links to folders that contain their own class folder. Names of classes that differ only in their Unicode form are
    the same.

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
        groups = list_image_folder(root)
        files = [file for group in groups.values() for file in group]
        splits, classes = zip(*groups, strict=True)
        sizes = [len(group) for group in groups.values()]
        self.class_names = tuple(sorted(set(classes)))
        label_of = {name: label for label, name in enumerate(self.class_names)}
        self.labels = np.repeat(np.array([label_of[name] for name in classes], dtype=np.int64), sizes)
        self.splits = np.repeat(np.array(splits), sizes)
        self._paths = [file.path for file in files]
        below = len(str(root / "_")) - 1
        self.names = tuple(path[below:].replace(os.sep, "/") for path in self._paths)
        self.states = np.array([(file.size, file.modified) for file in files], dtype=np.int64)
        self.image_shape: tuple[int, int, int] = (options.channels, *options.height_width)
        self.settings = fingerprint([VERSION, list(options.height_width), options.channels])

    def decode(self, pixels: Pixels, rows: NDArray[np.int64]) -> Iterator[Part]:
        if isinstance(pixels, np.memmap) and self.states[rows, 0].sum() > SMALL_BYTES:
            parts = decode_in_processes(self._paths, pixels, rows)
        else:
            parts = decode_here(self._paths, pixels, rows)
        with progress_bar("decoding", total=len(rows), delay_seconds=BAR_DELAY_SECONDS) as progress:
            for part in parts:
                yield part
                progress.update(len(part.rows))


Groups = Mapping[tuple[str, str], Sequence[FileState]]
"""Files of each split and class, in a fixed order."""


def list_image_folder(root: Path) -> Groups:
    """All image files, each once.

    Raises:
        MissingImagesError: If the folders or their files are not as expected, or a file is in two classes or splits.
    """
    left_out = LeftOut()
    parts = split_folders(root, left_out)
    groups: dict[tuple[str, str], list[FileState]] = {}
    folders = {split: class_folders(part, left_out) for split, part in parts.items()}
    names = {one_form(name): name for name in folders["train"]}  # a class is written as in train
    for split, classes in folders.items():
        for name, folder in classes.items():
            files = list_images(folder, left_out)
            if not files:
                raise MissingImagesError(
                    f"the class {name!r} has no image in {str(folder)!r}: no file ends in {', '.join(SUFFIXES)}"
                )
            groups[split, names.get(one_form(name), name)] = files
    left_out.warn()
    _require_one_place([file for group in groups.values() for file in group])
    _require_all_classes(groups, parts)
    return groups


def _require_one_place(files: Sequence[FileState]) -> None:
    """Refuse a file that links bring into two classes (which is its label?) or into two splits."""
    identities = pd.DataFrame([(file.device, file.inode) for file in files], columns=["device", "inode"])
    again = (identities.duplicated() & (identities["inode"] != 0)).to_numpy().nonzero()[0]
    if len(again):
        file = files[again[0]]
        other = next(o for o in files if (o.device, o.inode) == (file.device, file.inode))
        raise MissingImagesError(
            f"{printable(other.path)} and {printable(file.path)} are one file (a link), but an image must be in "
            "one class and one split: remove one of them"
        )


def _require_all_classes(groups: Groups, parts: Mapping[str, Path]) -> None:
    """Refuse splits that lack a class, and classes with a single training image."""
    for split, part in parts.items():
        in_train, in_split = ({name for where, name in groups if where == which} for which in ("train", split))
        for name in sorted(in_train ^ in_split):
            lacking = part if name in in_train else parts["train"]
            raise MissingImagesError(
                f"the class {name!r} is missing from {str(lacking)!r}: every split must have images of every class"
            )
    for (split, name), files in sorted(groups.items()):
        if split == "train" and len(files) < 2:
            raise MissingImagesError(
                f"the class {name!r} has one training image, {printable(files[0].path)}, but at least 2 are needed"
            )
