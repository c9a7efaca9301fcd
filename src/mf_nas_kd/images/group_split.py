"""Placing of groups of images into the parts of a stratified split.

The idea is that of scikit-learn's ``StratifiedGroupKFold``: large groups first, each where it brings the classes
nearest to what is wanted. That one makes parts of equal size only; here each part has a size of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.images.groups import Groups

NOT_PLACED = -1


def place_groups(
    labels: NDArray[np.int64], groups: Groups, wanted: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Place all groups of several images.

    Args:
        labels: Labels of the images, ``(N,)``, in [0, K).
        groups: Group of every image, ``(N,)``.
        wanted: Number of images of every class that every part should get, ``(P, K)``.
        rng: Order of groups of the same size.

    Returns:
        Part of every image, ``(N,)``; -1 for images that are groups of their own.
    """
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    together = np.flatnonzero(sizes > 1)
    shuffled = rng.permutation(together)
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    counts = _class_counts(labels, numbers, order, wanted.shape[1])
    parts = _nearest_to_wanted(counts, wanted)
    alone = np.bincount(labels[sizes[numbers] == 1], minlength=wanted.shape[1])
    _give_every_part_every_class(parts, counts, len(wanted), alone)
    part_of = np.full(len(sizes), NOT_PLACED)
    part_of[order] = parts
    return part_of[numbers]


def _class_counts(
    labels: NDArray[np.int64], numbers: NDArray[np.int64], order: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Images of every class in each group of an order, ``(G, K)``."""
    place = np.full(numbers.max(initial=-1) + 1, NOT_PLACED)
    place[order] = np.arange(len(order))
    members = place[numbers] >= 0
    flat = place[numbers[members]] * classes + labels[members]
    return np.bincount(flat, minlength=len(order) * classes).reshape(len(order), classes)


def _nearest_to_wanted(counts: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Part of each group, ``(G,)``: the one where it lowers the sum of (placed - wanted)^2 / wanted most, in order."""
    placed, scale = np.zeros_like(wanted), np.maximum(wanted, 1)
    parts = np.empty(len(counts), dtype=np.int64)
    for index, count in enumerate(counts):
        own = np.flatnonzero(count)
        change = count[own] * (count[own] + 2 * (placed[:, own] - wanted[:, own])) / scale[:, own]
        parts[index] = change.sum(axis=1).argmin()
        placed[parts[index]] += count
    return parts


def _give_every_part_every_class(
    parts: NDArray[np.int64], counts: NDArray[np.int64], part_count: int, alone: NDArray[np.int64]
) -> None:
    """Move groups, the smallest first, to parts that lack one of their classes and that no other image can help.

    A group is moved only if no part then lacks one of its classes that it had.

    Args:
        parts: Part of each group, ``(G,)``; changed in place.
        counts: Images of every class in each group, ``(G, K)``.
        part_count: Number of parts.
        alone: Images of every class that are groups of their own, ``(K,)``: each can help one part.
    """
    has = np.zeros((part_count, counts.shape[1]), dtype=np.int64)  # groups with the class
    np.add.at(has, parts, (counts > 0).astype(np.int64))
    for label in np.flatnonzero(counts.any(axis=0)):
        lacking = np.flatnonzero(has[:, label] == 0)
        for part in lacking[: max(0, len(lacking) - alone[label])]:
            candidates = [
                group for group in np.flatnonzero(counts[:, label]) if (has[parts[group], counts[group] > 0] > 1).all()
            ]
            if not candidates:
                break
            smallest = min(candidates, key=lambda group: counts[group].sum())
            has[parts[smallest], counts[smallest] > 0] -= 1
            has[part, counts[smallest] > 0] += 1
            parts[smallest] = part
