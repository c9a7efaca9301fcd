"""Picture of images that show the same picture, side by side."""

from __future__ import annotations

from pathlib import PurePosixPath

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd.figures.images import show
from mf_nas_kd.figures.style import figure, shortened
from mf_nas_kd.images import ImageDataset

PAIRS_PER_ROW = 3
PAIRS_PER_KIND = 6


def duplicates_picture(images: ImageDataset, duplicates: pd.DataFrame) -> Figure:
    """Picture of the first pairs of each kind, with the names of the files, their splits and classes.

    Args:
        images: The images.
        duplicates: Rows of ``images.duplicates_table``. Without rows, the picture says so.
    """
    shown = duplicates.groupby("kind", sort=False).head(PAIRS_PER_KIND).sort_values("kind", kind="stable")
    rows = -(-max(len(shown), 1) // PAIRS_PER_ROW)
    drawn, axes = figure(2.3 * PAIRS_PER_ROW, 1.6 * rows + 0.3, rows, 2 * PAIRS_PER_ROW)
    names = set(shown["image"]) | set(shown["other"])
    index_of = {name: index for index, name in enumerate(images.collection.names) if name in names}
    for axis in axes:
        show(axis, None)
    for number, row in enumerate(shown.to_dict("records")):
        for axis, side in zip(axes[2 * number : 2 * number + 2], ("image", "other"), strict=True):
            show(axis, images.collection.pixels[index_of[row[side]]])
            name, label = shortened(PurePosixPath(row[side]).name, 16), shortened(row[f"{side}_class"], 16)
            axis.set_title(f"{name}\n{row[f'{side}_split']}, {label}", fontsize=6)
        axes[2 * number].set_ylabel(row["kind"], fontsize=7)
    title = f"{images.name}: {len(shown)} of {len(duplicates)} pairs that show the same picture"
    drawn.suptitle(title if len(duplicates) else "no images that show the same picture were found", fontsize=9)
    return drawn
