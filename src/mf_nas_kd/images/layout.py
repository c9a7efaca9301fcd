"""Folders of splits and classes, and what is said where the given folder is another one."""

from __future__ import annotations

import logging
import os
import unicodedata
from pathlib import Path

from mf_nas_kd.errors import MissingImagesError, printable
from mf_nas_kd.images.listing import LeftOut, entries_of, is_image_name, is_left_out

logger = logging.getLogger(__name__)

SPLIT_FOLDERS = {"train": "train", "val": "validation", "test": "test"}
SPLIT_LIKE_NAMES = {"train", "training", "val", "valid", "validation", "test", "testing"}
DEEPEST = 3  # folders that are looked through for the one to give instead


def split_folders(root: Path, left_out: LeftOut) -> dict[str, Path]:
    """Folder of every split; if the root holds class folders only, all images are training images.

    Args:
        root: The folder that was given.
        left_out: Receives what is left aside.

    Raises:
        MissingImagesError: If there is no such folder; if it is too high or too deep; or if folders have names like
            those of splits, but not train, val and test.
    """
    if not root.is_dir():
        raise MissingImagesError(f"there is no folder {str(root)!r}; it must hold train/<class>/ or <class>/ folders")
    folders = visible_folders(root, left_out)
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
    if not found:
        _require_level(root, folders)
    return found or {"train": root}


def class_folders(part: Path, left_out: LeftOut) -> dict[str, Path]:
    """Folder of every class of a split, by the name of the folder, in the order of the names.

    Raises:
        MissingImagesError: If there is none, or two names differ only in the Unicode form of their characters.
    """
    folders = visible_folders(part, left_out)
    if not folders:
        raise MissingImagesError(f"there are no class folders in {str(part)!r}")
    first: dict[str, str] = {}
    for name in folders:
        other = first.setdefault(one_form(name), name)
        if other != name:
            raise MissingImagesError(
                f"two folders in {str(part)!r} look the same, {other!a} and {name!a}: they are one class, written in "
                "two Unicode forms; move the files of one into the other"
            )
    return folders


def one_form(name: str) -> str:
    r"""A name as it is compared: macOS and Linux write the same letters with different characters.

    >>> one_form("e\u0301") == one_form("\u00e9")
    True
    """
    return unicodedata.normalize("NFC", name)


def visible_folders(parent: Path, left_out: LeftOut) -> dict[str, Path]:
    """Folders in a folder by their names, in alphabetical order, without those of other programs.

    Raises:
        MissingImagesError: If a name has characters that cannot be printed, or a link leads nowhere.
    """
    folders = {}
    for entry in entries_of(parent):
        if is_left_out(entry, left_out):
            continue
        if entry.is_symlink() and not os.path.exists(entry.path):
            raise MissingImagesError(f"the link {printable(entry.path)} leads nowhere")
        if not entry.is_dir():
            if is_image_name(entry.name):
                left_out.add("images outside class folders", entry.path)
            continue
        if not entry.name.isprintable():
            raise MissingImagesError(
                f"the name of the folder {entry.path!r} has characters that cannot be printed: rename it"
            )
        folders[entry.name] = Path(entry.path)
    return folders


def _require_level(root: Path, folders: dict[str, Path]) -> None:
    """Refuse a folder, without folders of splits, that is above or below the one to give; warn of a split alone."""
    absolute = root.resolve()
    if not folders and _has_images(root):
        above = absolute.parent
        above = above.parent if above.name.lower() in SPLIT_LIKE_NAMES else above
        raise MissingImagesError(f"{str(root)!r} holds images and no folders, as a class does: give {str(above)!r}")
    lower = _lower(root, DEEPEST)
    if lower is not None:
        raise MissingImagesError(f"{str(root)!r} is above the folder of the classes or splits: give {str(lower)!r}")
    if absolute.name in SPLIT_FOLDERS:
        beside = [name for name in SPLIT_FOLDERS if name != absolute.name and (absolute.parent / name).is_dir()]
        if beside:
            logger.warning(
                "%r is one split alone: %s beside it are ignored; to use them, give %r",
                str(root),
                " and ".join(beside),
                str(absolute.parent),
            )


def _lower(folder: Path, depth: int) -> Path | None:
    """The folder to give instead of one that is too high; None where it is not."""
    folders = list(visible_folders(folder, LeftOut()).values())
    for inner in folders:
        train = inner / "train"
        if not _has_images(inner) and train.is_dir() and visible_folders(train, LeftOut()):
            return inner
    if len(folders) != 1 or depth == 0 or _has_images(folders[0]):
        return None
    several = len(visible_folders(folders[0], LeftOut())) > 1
    return _lower(folders[0], depth - 1) or (folders[0] if several else None)


def _has_images(folder: Path) -> bool:
    return any(is_image_name(entry.name) and not entry.name.startswith(".") for entry in entries_of(folder))
