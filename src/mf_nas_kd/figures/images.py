"""Picture of some training images."""

from __future__ import annotations

from matplotlib.figure import Figure

from mf_nas_kd.figures.style import figure
from mf_nas_kd.images import ImageDataset

SHOWN_CLASSES = 10
SHOWN_PER_CLASS = 8


def sample_images(images: ImageDataset) -> Figure:
    """Picture of the first training images of at most ten classes, one class a row."""
    classes = min(SHOWN_CLASSES, images.classes)
    drawn, axes = figure(0.55 * SHOWN_PER_CLASS + 0.8, 0.6 * classes + 0.3, classes, SHOWN_PER_CLASS)
    for label in range(classes):
        members = images.train[(images.train.labels == label).nonzero().flatten()[:SHOWN_PER_CLASS]].images
        for column in range(SHOWN_PER_CLASS):
            axis = axes[label * SHOWN_PER_CLASS + column]
            axis.grid(visible=False)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if column < len(members):
                axis.imshow(members[column].permute(1, 2, 0).squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=255)
        axes[label * SHOWN_PER_CLASS].set_ylabel(images.class_names[label], rotation=0, ha="right", va="center")
    drawn.suptitle(f"{images.name}: training images of {classes} of {images.classes} classes", fontsize=9)
    return drawn
