"""Nested stratified subsets of the training images.

One seeded order within every class gives all subsets at once: a fraction takes the first images of each class. So
1/27 lies inside 1/9, which lies inside 1/3, and a search may ask for any fraction.
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
        table: One row a training image, in their order: ``label`` and ``rank``, from 0 within each class.
    """

    table: pd.DataFrame

    @classmethod
    def draw(cls, images: LabelledImages, seed: int) -> SubsetOrder:
        """Draw a random order within every class."""
        rng = numpy_generator(seed, "subsets")
        table = pd.DataFrame({"label": images.labels.numpy(), "rank": 0})
        for _, rows in table.groupby("label").groups.items():
            table.loc[rows, "rank"] = rng.permutation(len(rows))
        return cls(table)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal characters that differ as soon as one rank does."""
        return fingerprint(self.table[["label", "rank"]].to_numpy().tolist())

    def class_sizes(self, fraction: Fraction) -> pd.Series:
        """Images of each class in the subset: the fraction of the class, rounded to the nearest, at least one."""
        sizes = self.table.groupby("label").size()
        return (sizes * float(fraction) + 0.5).astype(int).clip(lower=1)

    def positions(self, fraction: Fraction) -> Tensor:
        """Positions of the subset within the training images, ascending, ``(n,)`` of int64.

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
