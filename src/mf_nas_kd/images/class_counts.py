"""How many images every class has in every part, and where these are too few."""

from __future__ import annotations

import logging
from fractions import Fraction

import pandas as pd

from mf_nas_kd.images.dataset import SPLITS, ImageDataset
from mf_nas_kd.images.subsets import SubsetOrder

logger = logging.getLogger(__name__)

MOST_LISTED = 10  # classes whose counts are in the log one by one
FEWEST_TO_MEASURE = 10  # validation or test images of a class: of fewer, one image is more than 10 % of its accuracy
FEWEST_TO_TRAIN = 3  # images of a class in a subset


def class_counts(images: ImageDataset) -> pd.DataFrame:
    """Number of images of every class in every split: columns ``class``, ``train``, ``validation`` and ``test``.

    The log gets the same, and a warning where validation or test images are few.

    Args:
        images: The images, split.
    """
    counts = pd.DataFrame({"class": images.class_names})
    for split in SPLITS:
        labels = images.collection.labels[images.positions[split]]
        counts[split] = labels.bincount(minlength=images.classes).numpy()
    if len(counts) <= MOST_LISTED:
        rows = ", ".join(" ".join((row[0], "/".join(map(str, row[1:])))) for row in counts.itertuples(index=False))
        logger.info("Images of each class (%s): %s", "/".join(SPLITS), rows)
    else:
        ranges = ", ".join(f"{counts[split].min()} to {counts[split].max()} {split}" for split in SPLITS)
        logger.info("Images of a class: %s (all classes: class_counts.csv)", ranges)
    for split in SPLITS[1:]:
        few = counts[counts[split] < FEWEST_TO_MEASURE]
        if len(few):
            least = few.sort_values(split, kind="stable").iloc[0]
            logger.warning(
                "%d classes have fewer than %d %s images (%r has %d): one changes their accuracy by more than 10 %%",
                len(few),
                FEWEST_TO_MEASURE,
                split,
                least["class"],
                least[split],
            )
    return counts


def warn_of_small_subset(order: SubsetOrder, fraction: Fraction) -> None:
    """Log a warning where a subset has too few images of a class, with the smallest fraction that has enough.

    Args:
        order: Order of the training images.
        fraction: Fraction of the training images, in (0, 1].
    """
    least, smallest_class = int(order.class_sizes(fraction).min()), int(order.class_sizes(Fraction(1)).min())
    if least >= FEWEST_TO_TRAIN:
        return
    enough = min(Fraction(1), Fraction(FEWEST_TO_TRAIN, smallest_class))
    logger.warning(
        "The subset of %s of the training images has %d of a class, fewer than %d; smallest fraction with so many: %s",
        fraction,
        least,
        FEWEST_TO_TRAIN,
        f"{enough} ({float(enough):.3g})",
    )
