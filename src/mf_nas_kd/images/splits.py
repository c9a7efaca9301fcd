"""Stratified splits: every class is divided in the same proportions."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images.dataset import LabelledImages
from mf_nas_kd.seeding import numpy_generator


def split_stratified(images: LabelledImages, fractions: Mapping[str, float], seed: int) -> dict[str, LabelledImages]:
    """Divide images into named parts and ``train``, which gets what is left.

    Args:
        images: All images.
        fractions: Share of each class for every part, each in (0, 1), summing to less than 1.
        seed: Seed of the split.

    Raises:
        InvalidValueError: If the fractions leave nothing to train on, or a class is too small to be in every part.
    """
    if min(fractions.values()) <= 0 or sum(fractions.values()) >= 1:
        raise InvalidValueError("split fractions", dict(fractions), "positive and sum to less than 1")
    rng = numpy_generator(seed, "split")
    chosen: dict[str, list[int]] = {name: [] for name in ("train", *fractions)}
    for label in images.labels.unique().tolist():
        members = torch.nonzero(images.labels == label).flatten().numpy()
        shuffled = rng.permutation(members).tolist()
        start = 0
        for name, fraction in fractions.items():
            count = round(fraction * len(shuffled))
            chosen[name] += shuffled[start : start + count]
            start += count
        chosen["train"] += shuffled[start:]
        if min(round(f * len(shuffled)) for f in fractions.values()) == 0 or start == len(shuffled):
            allowed = f"enough for one image in every part of {['train', *fractions]}"
            raise InvalidValueError(f"number of images of class {label}", len(shuffled), allowed)
    return {name: images[torch.tensor(sorted(positions))] for name, positions in chosen.items()}
