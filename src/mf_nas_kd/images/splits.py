"""Stratified splits: the images of every class are divided in the same proportions, and no group is torn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images.group_split import NOT_PLACED, place_groups
from mf_nas_kd.images.groups import Groups
from mf_nas_kd.seeding import numpy_generator


def draw_splits(
    labels: NDArray[np.int64],
    given: NDArray[np.str_],
    fractions: Mapping[str, float],
    seed: int,
    class_names: Sequence[str],
    groups: Groups,
) -> dict[str, Tensor]:
    """Positions by split: those that are given, and the others drawn from the training images.

    Training images of a group that is also in a given validation or test split are left out.

    Args:
        labels: Labels of all images, ``(M,)``, in [0, K).
        given: Split of every image, ``(M,)``; empty for images that belong to none.
        fractions: Fractions of the training images that become each split which is not given.
        seed: Seed of the split.
        class_names: Names of the ``K`` classes, for messages.
        groups: Group of every image, ``(M,)``.

    Raises:
        InvalidValueError: If a class has too few images, or groups, for all splits.
    """
    held_out = np.isin(given, list(fractions))
    torn = (given == "train") & np.isin(groups, groups[held_out])
    for label in np.setdiff1d(labels[torn], labels[(given == "train") & ~torn]):
        allowed = "at least 1 that belongs with no validation or test image (same group, or copies of one picture)"
        raise InvalidValueError(f"number of training images of the class {class_names[label]!r}", 0, allowed)
    positions = {split: torch.from_numpy(np.flatnonzero(given == split)) for split in fractions}
    train = np.flatnonzero((given == "train") & ~torn)
    wanted = {split: fraction for split, fraction in fractions.items() if len(positions[split]) == 0}
    drawn = split_stratified(torch.from_numpy(labels[train]), wanted, seed, class_names, groups[train])
    return positions | {split: torch.from_numpy(train)[chosen] for split, chosen in drawn.items()}


def split_stratified(
    labels: Tensor,
    fractions: Mapping[str, float],
    seed: int,
    class_names: Sequence[str],
    groups: Groups | None = None,
) -> dict[str, Tensor]:
    """Divide images at random into named parts and ``train``, which gets the rest.

    Every part gets at least one image of every class. Groups of several images are placed first; images that are groups
    of their own then fill each class up.

    Args:
        labels: Labels of the images, ``(N,)``, int64, in [0, K).
        fractions: Fraction of each class for every part, in (0, 1); their sum is less than 1. May be empty.
        seed: Seed of the split.
        class_names: Names of the ``K`` classes, for messages.
        groups: Group of every image, ``(N,)``; None where each image is a group of its own.

    Returns:
        Indices of the images of every part, ascending, ``(n,)``, int64, in [0, N).

    Raises:
        InvalidValueError: If the fractions leave no training images, or a class has too few images or groups for all
            parts.

    >>> labels = torch.tensor([0] * 4 + [1] * 8)
    >>> parts = split_stratified(labels, {"test": 0.25}, seed=0, class_names=("cat", "dog"))
    >>> {name: labels[positions].bincount().tolist() for name, positions in parts.items()}
    {'train': [3, 6], 'test': [1, 2]}
    """
    if fractions and (min(fractions.values()) <= 0 or sum(fractions.values()) >= 1):
        raise InvalidValueError("split fractions", dict(fractions), "positive and sum to less than 1")
    parts = ("train", *fractions)
    filled = [*range(1, len(parts)), 0]  # train gets the rest
    wanted = _wanted(labels.bincount(minlength=len(class_names)).numpy(), fractions, class_names)
    numbers = np.arange(len(labels)) if groups is None else groups
    placed = place_groups(labels.numpy(), numbers, wanted, numpy_generator(seed, "split groups"))
    rng = numpy_generator(seed, "split")
    for label in torch.unique(labels).tolist():
        members = np.flatnonzero(labels.numpy() == label)
        singles = members[placed[members] == NOT_PLACED]
        have = np.bincount(placed[members] + 1, minlength=len(parts) + 1)[1:]
        counts = _filling(len(singles), wanted[:, label], have)
        if counts is None:
            _refuse_small_class(class_names[label], len(members), len(np.unique(numbers[members])), fractions)
        placed[rng.permutation(singles)] = np.repeat(filled, counts[filled])
    return {name: torch.from_numpy(np.flatnonzero(placed == part)) for part, name in enumerate(parts)}


def _wanted(sizes: NDArray[np.int64], fractions: Mapping[str, float], class_names: Sequence[str]) -> NDArray[np.int64]:
    """Number of images of every class that every part should get, train first: ``(1 + len(fractions), K)``.

    Rounded to the nearest integer, but at least one wherever a class has images.
    """
    wanted = np.zeros((1 + len(fractions), len(sizes)), dtype=np.int64)
    for label, size in enumerate(sizes.tolist()):
        if size == 0:
            continue
        if size < len(wanted):
            _refuse_small_class(class_names[label], size, size, fractions)
        counts = np.array([0, *(max(1, round(fraction * size)) for fraction in fractions.values())])
        while counts.sum() >= size:
            counts[counts.argmax()] -= 1
        counts[0] = size - counts.sum()
        wanted[:, label] = counts
    return wanted


def _filling(available: int, wanted: NDArray[np.int64], have: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """How many of the available images every part gets, train first, so that none lacks the class; None if one must."""
    least = (have == 0).astype(np.int64)
    if least.sum() > available:
        return None
    counts = np.maximum(wanted - have, least)
    counts[0] = least[0]
    while counts.sum() > available:
        counts[(counts - least).argmax()] -= 1
    counts[0] += available - counts.sum()
    filled: NDArray[np.int64] = counts
    return filled


def _refuse_small_class(name: str, images: int, groups: int, fractions: Mapping[str, float]) -> NoReturn:
    """Raise the error of a class that would be missing in a part."""
    parts = ", ".join(f"{part} ({fraction:g})" for part, fraction in fractions.items())
    if groups == images:
        allowed = f"enough for one image in every part, train and {parts}"
        raise InvalidValueError(f"number of images of the class {name!r}", images, allowed)
    allowed = f"enough for one in every part, train and {parts}: its {images} images belong together, or are copies"
    raise InvalidValueError(f"number of groups of the class {name!r}", groups, allowed)
