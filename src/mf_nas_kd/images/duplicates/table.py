"""The table of images that show the same picture."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from mf_nas_kd.images.dataset import ImageDataset
from mf_nas_kd.images.duplicates.search import KINDS

logger = logging.getLogger(__name__)

COLUMNS = ("image", "other", "kind", "similarity", "image_split", "other_split", "image_class", "other_class")
LEFT_OUT = "left_out"
NAMED = 5  # pairs in the log


def duplicates_table(images: ImageDataset, pairs: pd.DataFrame) -> pd.DataFrame:
    """Names, splits and classes of pairs of images.

    Args:
        images: The images, split.
        pairs: Rows of :func:`search.find_duplicates`.

    Returns:
        One row a pair, with ``COLUMNS``: those in two splits first, then those with two classes, the most similar
        first. An image that is in no split is ``left_out``.
    """
    names = np.array(images.collection.names, dtype=object)
    split_of = np.full(len(names), LEFT_OUT, dtype=object)
    for split, positions in images.positions.items():
        split_of[positions.numpy()] = split
    class_of = np.array(images.class_names, dtype=object)[images.collection.labels.numpy()]
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    table = pd.DataFrame(
        {
            "image": names[first],
            "other": names[second],
            "kind": pairs["kind"].to_numpy(),
            "similarity": pairs["similarity"].to_numpy().round(4),
            "image_split": split_of[first],
            "other_split": split_of[second],
            "image_class": class_of[first],
            "other_class": class_of[second],
        },
        columns=list(COLUMNS),
    )
    keys = {"split": in_one_split(table), "class": in_one_class(table), "similarity": -table["similarity"]}
    order = pd.DataFrame(keys).sort_values(list(keys), kind="stable").index
    return table.loc[order].reset_index(drop=True)


def in_one_split(table: pd.DataFrame) -> pd.Series[bool]:
    """Whether both images of a pair are in one split, or one of them is in none."""
    one = table["image_split"] == table["other_split"]
    return one | (table["image_split"] == LEFT_OUT) | (table["other_split"] == LEFT_OUT)


def in_one_class(table: pd.DataFrame) -> pd.Series[bool]:
    """Whether both images of a pair have the same label."""
    return table["image_class"] == table["other_class"]


def describe(table: pd.DataFrame) -> None:
    """Log how many pairs there are, which of them are in two splits, and which have two labels.

    Args:
        table: The table of :func:`duplicates_table`.
    """
    counts = table["kind"].value_counts()
    kinds = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if kind in counts)
    logger.info("Pairs of images that show the same picture: %s", kinds or "none")
    across, conflicts = table[~in_one_split(table)], table[~in_one_class(table)]
    if len(across):
        what = "accuracies on images that were trained on are too high; images.duplicates=keep_on_one_side prevents it"
        logger.warning("%d pairs are in two splits (%s): %s", len(across), what, _some(across, "split"))
    if len(conflicts):
        logger.warning("%d pairs have two labels, of which one is wrong: %s", len(conflicts), _some(conflicts, "class"))


def _some(pairs: pd.DataFrame, what: str) -> str:
    """The first pairs as text, and where all of them are."""
    shown = [
        f"{row['image']} ({row[f'image_{what}']}) and {row['other']} ({row[f'other_{what}']}): {row['kind']}"
        for _, row in pairs[:NAMED].iterrows()
    ]
    return "; ".join(shown) + (" ... (all of them: duplicates.csv)" if len(pairs) > NAMED else "")
