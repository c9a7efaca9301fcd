"""Loading of a data set: a source is read, checked for copies of one picture, and split."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images.cifar import CIFAR10, CIFAR100
from mf_nas_kd.images.dataset import ImageDataset
from mf_nas_kd.images.decoded import decode_once
from mf_nas_kd.images.digits import Digits
from mf_nas_kd.images.duplicates import EXACT, DuplicatesAction, action_for, duplicates_of
from mf_nas_kd.images.groups import NO_GROUPS, GroupOptions, Groups, joined, read_groups
from mf_nas_kd.images.image_folder import ImageFolder
from mf_nas_kd.images.source import Source, without
from mf_nas_kd.images.splits import draw_splits
from mf_nas_kd.images.unreadable import OnUnreadable
from mf_nas_kd.registry import Options, configured

logger = logging.getLogger(__name__)

SOURCES: Mapping[str, type[Source]] = {
    "digits": Digits,
    "image_folder": ImageFolder,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
}


def load_images(
    source: str,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    options: Options | Mapping[str, Any] | None = None,
    folder: Path | None = None,
    on_unreadable: OnUnreadable = "refuse",
    group: GroupOptions = NO_GROUPS,
    duplicates: DuplicatesAction = "ignore",
    near_duplicates_limit: int = 0,
) -> ImageDataset:
    """Load a source; validation and test images that it does not have are split off its training images.

    Args:
        source: A name in ``SOURCES``.
        validation_fraction: Fraction of the training images that selects, in (0, 1).
        test_fraction: Fraction of the training images that is only reported, in (0, 1).
        seed: Seed of the split.
        options: An instance of the source's ``Options``, or its fields; None where it has none.
        folder: Where decoded images are kept in a memory-mapped file and found again; None keeps them in memory.
        on_unreadable: Whether images that cannot be read end the run, or are left out with a warning.
        group: What tells which images belong together: a group is in one split.
        duplicates: What is done with copies of one picture.
        near_duplicates_limit: Most images among which copies with other pixels are looked for.

    Raises:
        UnknownNameError: If the source is not known.
        pydantic.ValidationError: If an option is missing, unknown, or not allowed.
        MissingImagesError: If images are missing, or cannot be read and are to be refused.
        InvalidValueError: If there are fewer than two classes, or one is too small to be split.
    """
    source_class, validated = configured(SOURCES, source, {} if options is None else options, "images.source")
    opened = source_class(validated)
    if len(opened.class_names) < 2:
        raise InvalidValueError("classes", list(opened.class_names), "at least two")
    groups = read_groups(group, opened.names)
    fractions = {"validation": validation_fraction, "test": test_fraction}

    def split(given: NDArray[np.str_], groups: Groups) -> dict[str, torch.Tensor]:
        return draw_splits(opened.labels, given, fractions, seed, opened.class_names, groups)

    split(opened.splits, groups)  # what is refused is refused before images are decoded
    collection, unreadable = decode_once(opened, folder, on_unreadable)
    given = without(opened, unreadable)
    action = action_for(duplicates, source)
    if action != "ignore":
        pairs = duplicates_of(collection, torch.from_numpy(np.flatnonzero(given)), near_duplicates_limit)
        if action == "keep_on_one_side":
            groups = _together(groups, pairs, opened.labels, is_chosen=duplicates != "auto")
    positions = split(given, groups)
    left_out = np.count_nonzero(given) - sum(len(part) for part in positions.values())
    if left_out:
        reason = "images of their groups, or copies of them, are among the given validation or test images"
        logger.warning("%d training images are left out: %s", left_out, reason)
    return ImageDataset.of(source, opened.class_names, collection, positions)


MOST_OF_A_CLASS, FEWEST_IN_A_CHAIN = 0.5, 20
"""Part of a class, and number of images, that near duplicates may join into one group before they are doubted."""


def _together(groups: Groups, pairs: pd.DataFrame, labels: NDArray[np.int64], is_chosen: bool) -> Groups:
    """Groups that also hold copies of one picture together.

    Small smooth pictures, such as enlarged handwritten digits, look so much alike that pairs chain most of a class
    together. Unless the user has chosen to keep all of them on one side, copies are then those with equal pixels.
    """
    all_of_them = joined(groups, pairs["first"].to_numpy(), pairs["second"].to_numpy())
    if is_chosen:
        return all_of_them
    equal = pairs[pairs["kind"] == EXACT]
    without_near = joined(groups, equal["first"].to_numpy(), equal["second"].to_numpy())
    chain, of_class = _longest_chain(all_of_them, labels)
    is_short = chain < max(FEWEST_IN_A_CHAIN, MOST_OF_A_CLASS * of_class)
    if is_short or chain == _longest_chain(without_near, labels)[0]:
        return all_of_them
    logger.warning(
        "Near duplicates would hold %d of the %d images of a class together: these pictures are too much alike to tell "
        "copies, so only equal ones are kept on one side (images.duplicates=keep_on_one_side keeps all)",
        chain,
        of_class,
    )
    return without_near


def _longest_chain(groups: Groups, labels: NDArray[np.int64]) -> tuple[int, int]:
    """Images of a class in one group, and images of the class; of the class of which one group has the largest part."""
    counts = pd.DataFrame({"label": labels, "group": groups}).value_counts().groupby("label").max().to_dict()
    sizes = pd.Series(labels).value_counts().to_dict()
    label = max(sizes, key=lambda each: counts[each] / sizes[each])
    return int(counts[label]), int(sizes[label])
