"""Stratified splits: every class is divided in the same proportions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.seeding import numpy_generator


def split_stratified(
    labels: Tensor, fractions: Mapping[str, float], seed: int, class_names: Sequence[str]
) -> dict[str, Tensor]:
    """Divide images into named parts and ``train``, which gets what is left.

    Args:
        labels: ``(N,)``, int64, in [0, K).
        fractions: Share of each class for every part, each in (0, 1), summing to less than 1; none at all is allowed.
        seed: Seed of the split.
        class_names: ``K`` names, for messages.

    Returns:
        Positions in [0, N) by part, ascending.

    Raises:
        InvalidValueError: If the fractions leave nothing to train on, or a class is too small to be in every part.
    """
    if fractions and (min(fractions.values()) <= 0 or sum(fractions.values()) >= 1):
        raise InvalidValueError("split fractions", dict(fractions), "positive and sum to less than 1")
    rng = numpy_generator(seed, "split")
    chosen: dict[str, list[int]] = {name: [] for name in ("train", *fractions)}
    for label in labels.unique().tolist():
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
    allowed = f"enough for one image in every part, train and {', '.join(f'{p} ({f:g})' for p, f in fractions.items())}"
    raise InvalidValueError(f"number of images of the class {name!r}", size, allowed)
