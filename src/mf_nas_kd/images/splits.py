"""Stratified splits: the images of every class are divided in the same proportions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.seeding import numpy_generator


def split_stratified(
    labels: Tensor, fractions: Mapping[str, float], seed: int, class_names: Sequence[str]
) -> dict[str, Tensor]:
    """Divide images at random into named parts and ``train``, which gets the rest.

    Args:
        labels: Labels of the images, ``(N,)``, int64, in [0, K).
        fractions: Fraction of each class for every part, in (0, 1); their sum is less than 1. May be empty.
        seed: Seed of the split.
        class_names: Names of the ``K`` classes, for messages.

    Returns:
        Indices of the images of every part, ascending, ``(n,)``, int64, in [0, N).

    Raises:
        InvalidValueError: If the fractions leave no training images, or a class has too few images for all parts.

    >>> labels = torch.tensor([0] * 4 + [1] * 8)
    >>> parts = split_stratified(labels, {"test": 0.25}, seed=0, class_names=("cat", "dog"))
    >>> {name: labels[positions].bincount().tolist() for name, positions in parts.items()}
    {'train': [3, 6], 'test': [1, 2]}
    """
    if fractions and (min(fractions.values()) <= 0 or sum(fractions.values()) >= 1):
        raise InvalidValueError("split fractions", dict(fractions), "positive and sum to less than 1")
    rng = numpy_generator(seed, "split")
    chosen: dict[str, list[int]] = {name: [] for name in ("train", *fractions)}
    for label in torch.unique(labels).tolist():
        members = torch.nonzero(labels == label).flatten().numpy()
        shuffled = rng.permutation(members).tolist()
        start = 0
        for name, fraction in fractions.items():
            count = round(fraction * len(shuffled))
            chosen[name] += shuffled[start : start + count]
            start += count
            if count == 0:
                _refuse_small_class(class_names[label], len(shuffled), fractions)
        chosen["train"] += shuffled[start:]
        if start == len(shuffled):
            _refuse_small_class(class_names[label], len(shuffled), fractions)
    return {name: torch.tensor(sorted(positions)) for name, positions in chosen.items()}


def _refuse_small_class(name: str, size: int, fractions: Mapping[str, float]) -> None:
    """Raise the error of a class that would be missing in a part."""
    allowed = f"enough for one image in every part, train and {', '.join(f'{p} ({f:g})' for p, f in fractions.items())}"
    raise InvalidValueError(f"number of images of the class {name!r}", size, allowed)
