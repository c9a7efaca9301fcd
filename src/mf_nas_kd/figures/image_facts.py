"""What was found wrong with the images of a study, as facts and warnings of its report."""

from __future__ import annotations

import pandas as pd

from mf_nas_kd.images import ImageDataset
from mf_nas_kd.images.class_counts import FEWEST_TO_MEASURE
from mf_nas_kd.images.duplicates.table import in_one_class, in_one_split


def image_facts(images: ImageDataset, class_counts: pd.DataFrame, duplicates: pd.DataFrame) -> dict[str, str]:
    """Facts as texts by their labels.

    Args:
        images: The images.
        class_counts: ``class_counts``.
        duplicates: ``duplicates``.
    """
    train = class_counts["train"]
    kinds = ", ".join(f"{count} {kind}" for kind, count in duplicates["kind"].value_counts(sort=False).items())
    left_out = len(images.collection.labels) - sum(len(part) for part in images.positions.values())
    return {
        "Training images of a class": f"{train.min():,} to {train.max():,}" if train.nunique() > 1 else f"{train[0]:,}",
        "Pairs that show the same picture": kinds or "none, or not looked for",
        "Images in no split": f"{left_out:,}" + (" (unreadable.csv and duplicates.csv)" if left_out else ""),
    }


def image_warnings(class_counts: pd.DataFrame, duplicates: pd.DataFrame) -> list[str]:
    """What the user must know of the images, as sentences; arguments as of :func:`image_facts`."""
    across, two_labels = int((~in_one_split(duplicates)).sum()), int((~in_one_class(duplicates)).sum())
    few = class_counts[class_counts["test"] < FEWEST_TO_MEASURE]
    found = []
    if across:
        found.append(
            f"Pairs of copies of one picture that are in two splits: {across}. Accuracies may be too high; "
            "images.duplicates: keep_on_one_side prevents it (duplicates.csv)."
        )
    if two_labels:
        found.append(
            f"Pairs of copies of one picture with two labels, of which one is wrong: {two_labels} (duplicates.csv)."
        )
    if len(few):
        named = ", ".join(f"{row['class']} ({row['test']})" for _, row in few[:5].iterrows())
        more = " and others" if len(few) > 5 else ""
        found.append(
            f"Classes with fewer than {FEWEST_TO_MEASURE} test images: {named}{more}. One image changes the accuracy "
            "of such a class by more than 10 points."
        )
    return found
