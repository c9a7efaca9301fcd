"""Nested stratified subsets of the training images.

One seeded random order of the images of every class determines all subsets: the subset of a fraction consists of the
first images of each class. A subset therefore contains the subsets of all smaller fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import pandas as pd
import torch
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images.dataset import LabelledImages
from mf_nas_kd.seeding import fingerprint, numpy_generator


@dataclass(frozen=True, eq=False)
class SubsetOrder:
    """The rank of every training image within its class.

    Attributes:
        table: One row per training image, in their order, with its ``label`` and its ``rank``, from 0 in each class.

    >>> labels = torch.tensor([0, 1] * 6)
    >>> order = SubsetOrder.draw(LabelledImages(torch.zeros(12, 1, 8, 8, dtype=torch.uint8), labels), seed=0)
    >>> third, half = (set(order.positions(Fraction(1, n)).tolist()) for n in (3, 2))
    >>> len(third), len(half), third < half
    (4, 6, True)
    """

    table: pd.DataFrame

    @classmethod
    def draw(cls, images: LabelledImages, seed: int) -> SubsetOrder:
        """Draw a random order of the images of every class.

        Args:
            images: The training images.
            seed: Seed of the order.
        """
        rng = numpy_generator(seed, "subsets")
        table = pd.DataFrame({"label": images.labels.numpy(), "rank": 0})
        for _, rows in table.groupby("label").groups.items():
            table.loc[rows, "rank"] = rng.permutation(len(rows))
        return cls(table)

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of labels and ranks, 16 hexadecimal characters."""
        return fingerprint(self.table[["label", "rank"]].to_numpy().tolist())

    def class_sizes(self, fraction: Fraction) -> pd.Series[int]:
        """Number of images of each class in the subset, by label: rounded to the nearest integer, at least one."""
        sizes = self.table.groupby("label").size()
        return (sizes * float(fraction) + 0.5).astype(int).clip(lower=1)

    def positions(self, fraction: Fraction) -> Tensor:
        """Indices of the subset's images among the training images, ascending, ``(n,)``, int64.

        Args:
            fraction: Fraction of the training images, in (0, 1].

        Raises:
            InvalidValueError: If the fraction is not in (0, 1] or leaves fewer images than there are classes.
        """
        if not 0 < fraction <= 1:
            raise InvalidValueError("train_fraction", str(fraction), "in (0, 1]")
        classes = self.table["label"].nunique()
        if fraction * len(self.table) < classes:
            allowed = f"at least {classes}/{len(self.table)}: one image for each of the {classes} classes"
            raise InvalidValueError("train_fraction", str(fraction), allowed)
        kept = self.table["rank"] < self.table["label"].map(self.class_sizes(fraction))
        return torch.from_numpy(kept.to_numpy().nonzero()[0].copy())
