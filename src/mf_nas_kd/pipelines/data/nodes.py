"""Nodes of the pipeline ``data``."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import torch
from matplotlib.figure import Figure

from mf_nas_kd import figures
from mf_nas_kd.images import (
    ImageDataset,
    SubsetOrder,
    action_for,
    class_counts,
    describe,
    duplicates_of,
    duplicates_table,
    no_pairs,
    warn_of_small_subset,
)
from mf_nas_kd.images import load_images as load_and_split
from mf_nas_kd.pipelines.data.parameters import ImagesParameters, SubsetsParameters

logger = logging.getLogger(__name__)


def load_images(parameters: ImagesParameters, pixel_folder: Path) -> ImageDataset:
    """Decode the images of the source, or map those decoded earlier, and split them."""
    images = load_and_split(
        parameters.source,
        parameters.validation_fraction,
        parameters.test_fraction,
        parameters.seed,
        parameters.options[parameters.source],
        pixel_folder,
        parameters.on_unreadable,
        parameters.group,
        parameters.duplicates,
        parameters.near_duplicates_limit,
    )
    sizes = (len(images.train), len(images.validation), len(images.test))
    logger.info("Images of %s: %d training, %d validation, %d test", images.name, *sizes)
    return images


def count_classes(images: ImageDataset) -> pd.DataFrame:
    """Count the images of every class in every split."""
    return class_counts(images)


def list_duplicates(images: ImageDataset, parameters: ImagesParameters) -> tuple[pd.DataFrame, Figure]:
    """List and draw the images that show the same picture; none where they are to be ignored."""
    if action_for(parameters.duplicates, parameters.source) == "ignore":
        table = duplicates_table(images, no_pairs())
    else:
        among = torch.cat(list(images.positions.values())).sort().values
        pairs = duplicates_of(
            images.collection, among, parameters.near_duplicates_limit
        )  # searched when images were split
        table = duplicates_table(images, pairs)
        describe(table)
    return table, figures.duplicates_picture(images, table)


def order_subsets(images: ImageDataset, parameters: SubsetsParameters) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Order the training images within their classes, and list the sizes of the subsets."""
    order = SubsetOrder.draw(images.train, parameters.seed)
    rows = []
    for fraction in parameters.fractions:
        order.positions(fraction)  # refuses a subset that is smaller than the classes
        warn_of_small_subset(order, fraction)
        sizes = order.class_sizes(fraction)
        rows.append((str(fraction), float(fraction), sizes.sum(), sizes.min(), sizes.max()))
    columns = ["fraction", "train_fraction", "images", "smallest_class", "largest_class"]
    return order.table, pd.DataFrame(rows, columns=columns)


def draw_sample_images(images: ImageDataset) -> Figure:
    """Draw some training images."""
    return figures.sample_images(images)
