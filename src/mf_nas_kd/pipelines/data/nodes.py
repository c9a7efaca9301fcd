"""Nodes of the pipeline ``data``."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd import figures
from mf_nas_kd.images import ImageDataset, SubsetOrder
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
    )
    sizes = (len(images.train), len(images.validation), len(images.test))
    logger.info("Images of %s: %d training, %d validation, %d test", images.name, *sizes)
    return images


def order_subsets(images: ImageDataset, parameters: SubsetsParameters) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Order the training images within their classes, and list the sizes of the subsets."""
    order = SubsetOrder.draw(images.train, parameters.seed)
    rows = []
    for fraction in parameters.fractions:
        order.positions(fraction)  # refuses a subset that is smaller than the classes
        sizes = order.class_sizes(fraction)
        rows.append((str(fraction), float(fraction), sizes.sum(), sizes.min(), sizes.max()))
    columns = ["fraction", "train_fraction", "images", "smallest_class", "largest_class"]
    return order.table, pd.DataFrame(rows, columns=columns)


def draw_sample_images(images: ImageDataset) -> Figure:
    """Draw some training images."""
    return figures.sample_images(images)
