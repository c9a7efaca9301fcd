"""Groups of images that belong together, such as those of one patient: from a table, or from a pattern of names."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mf_nas_kd.errors import InvalidValueError

logger = logging.getLogger(__name__)

NAMED = 5  # most names in a message

Groups = NDArray[np.int64]
"""Number of the group of every image, ``(M,)``; an image that belongs to no other is a group of its own."""


class GroupOptions(BaseModel):
    r"""What tells which images belong together; at most one of the two is given.

    Attributes:
        csv: A CSV file with the columns ``file`` (path below the folder of the images) and ``group``.
        pattern: A regular expression with one capture group, which is searched in the path below the folder of the
            images and captures the name of the group, such as ``patient(\d+)``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    csv: str | None
    pattern: str | None

    @field_validator("pattern")
    @classmethod
    def _has_one_capture_group(cls, pattern: str | None) -> str | None:
        try:
            captures = 1 if pattern is None else re.compile(pattern).groups
        except re.error as failure:
            raise InvalidValueError("images.group.pattern", pattern, f"a regular expression ({failure})") from failure
        if captures != 1:
            allowed = f"a regular expression with one capture group, such as 'patient(\\d+)', not {captures}"
            raise InvalidValueError("images.group.pattern", pattern, allowed)
        return pattern

    @model_validator(mode="after")
    def _only_one(self) -> GroupOptions:
        if self.csv is not None and self.pattern is not None:
            raise InvalidValueError("images.group.pattern", self.pattern, "null where images.group.csv is given")
        return self


NO_GROUPS = GroupOptions(csv=None, pattern=None)


def read_groups(options: GroupOptions, names: Sequence[str]) -> Groups:
    """Group of every image.

    Args:
        options: Where the groups come from.
        names: Names of the images, ``M`` of them.

    Raises:
        InvalidValueError: If the file cannot be read as a table of groups, names images that are not there, or gives an
            image two groups; or if the pattern matches no name.
    """
    if options.csv is not None:
        found = _from_table(Path(options.csv).expanduser(), names)
    elif options.pattern is not None:
        found = _from_pattern(options.pattern, names)
    else:
        return np.arange(len(names))
    without = [name for name, group in zip(names, found, strict=True) if not group]
    if without:
        logger.warning(
            "%d of %d images have no group, and are groups of their own: %s", len(without), len(names), _some(without)
        )
    codes, _ = pd.factorize(pd.Series([group or None for group in found], dtype=object))
    alone = codes == -1
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    logger.info("%d images belong to %d groups", len(names) - len(without), len(np.unique(codes[~alone])))
    return codes.astype(np.int64)


def joined(groups: Groups, first: NDArray[np.int64], second: NDArray[np.int64]) -> Groups:
    """Groups that also hold pairs of images together.

    Args:
        groups: Group of every image, ``(M,)``.
        first: Images of each pair, ``(P,)``.
        second: Likewise.

    >>> joined(np.array([0, 1, 2, 1]), first=np.array([2]), second=np.array([3])).tolist()
    [0, 1, 1, 1]
    """
    count = int(groups.max(initial=-1)) + 1
    links = coo_array((np.ones(len(first)), (groups[first], groups[second])), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)[groups]


def _from_table(path: Path, names: Sequence[str]) -> list[str]:
    """Name of the group of each image, empty where it has none."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as failure:  # pandas' errors of parsing and of decoding are ValueErrors
        raise InvalidValueError("images.group.csv", str(path), f"a CSV file that can be read ({failure})") from failure
    if not {"file", "group"} <= set(table.columns):
        allowed = f"a CSV file with the columns file and group; it has {', '.join(map(str, table.columns))}"
        raise InvalidValueError("images.group.csv", str(path), allowed)
    files = table["file"].map(_one_form)
    unknown = sorted(set(files) - {_one_form(name) for name in names})
    if unknown:
        allowed = f"a table of images that are there; {len(unknown)} are not: {_some(unknown)} (there is {names[0]})"
        raise InvalidValueError("images.group.csv", str(path), allowed)
    rows = pd.DataFrame({"file": files, "group": table["group"].str.strip()}).drop_duplicates()
    twice = rows["file"][rows["file"].duplicated()].unique().tolist()
    if twice:
        raise InvalidValueError("images.group.csv", str(path), f"one group for each image; two have: {_some(twice)}")
    group_of = dict(zip(rows["file"], rows["group"], strict=True))
    return [group_of.get(_one_form(name), "") for name in names]


def _from_pattern(pattern: str, names: Sequence[str]) -> list[str]:
    """What the pattern captures in each name, empty where it does not match."""
    matches = [re.search(pattern, name) for name in names]
    found = [(match[1] or "") if match else "" for match in matches]
    if not any(found):
        raise InvalidValueError("images.group.pattern", pattern, f"found in the names of images, such as {names[0]}")
    return found


def _one_form(name: str) -> str:
    """A path in one Unicode form, with ``/``."""
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/").removeprefix("./"))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (" ..." if len(names) > NAMED else "")
