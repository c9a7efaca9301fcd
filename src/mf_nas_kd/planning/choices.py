"""What is chosen from a look at a folder of images, before they are decoded: their size, their split, the spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mf_nas_kd.nested import merged
from mf_nas_kd.planning.quantities import HOUR
from mf_nas_kd.planning.survey import Survey
from mf_nas_kd.planning.wishes import SMALLEST_SIZE, Wishes

SIZES = (32, 48, 64, 96, 128, 160, 224)
"""Sizes in pixels to which larger images are reduced."""

TINY = 16  # pixels, up to which the spaces of the digits are used: they halve the resolution twice
SMALL_STEM = 48  # pixels, up to which the stem keeps the resolution
SMALL, LARGE = "image_folder", "image_folder_224"
"""Environments for images of about 32 pixels, and for larger ones: low fidelities there see them at half their size."""

LARGEST_HALVED = 96  # pixels; above, the published form of the spaces for large images is used: five halvings

ASSUMED_IMAGES_PER_SECOND = {"cpu": 1_000.0, "mps": 5_000.0, "cuda": 20_000.0}
"""Images of 32 pixels that a worker trains a typical candidate on, a second: an order of magnitude, for the size alone.

The plan is made with measured times. cpu: 1,046 in the study that is shipped; the others are guesses.
"""

TRAININGS, EPOCHS = 15, 40
"""Trainings to the end, and their epochs, that the time must allow at the chosen size."""

FINAL_SHARE = 0.4  # of the time
LONGEST_UNASKED = 8 * HOUR  # a study without --budget is planned to take no longer

PARTS, FEWEST = (27, 9, 3, 1), 3
"""Parts into which a study divides the training images (nested subsets), and the fewest images of a class in a part."""

HELD_OUT = 2_000
"""Images of the validation split, and of the test split, that are enough: intervals of about 1.3 points at 90 %."""

FRACTIONS = (0.1, 0.25)  # least and most of the training images for either split

MOST_PADDING = 4  # pixels of crop_flip: 81 crops, and as many mirrored ones
FLIPPING = ("crop_flip", "resized_crop", "strong")
"""Augmentations with the option ``flip``."""

WITH_STEM_STRIDE = ("mobilenet_v2", "shufflenet_v2")
"""Spaces with the option ``stem_stride``."""

IMBALANCED = 3.0  # largest class over the smallest one, from which balanced accuracy selects


@dataclass(frozen=True)
class ImageChoices:
    """How the images are read.

    Attributes:
        image_size: Height and width in pixels.
        channels: 3 for colour, 1 for grey.
        validation_fraction: Of the training images, where the folder has no ``val``.
        test_fraction: Likewise for ``test``.
        is_balanced: Whether balanced accuracy selects, because the sizes of the classes differ much.
        environment: Environment of the configuration with spaces and a teacher for this size; None for the base's.
        stem_stride: Stride of the spaces' stem; None for that of the environment.
        mirror: Whether mirrored images are trained on.
        parts: Numbers into which the training images can be divided so that each part has a few of each class.
    """

    image_size: int
    channels: int
    validation_fraction: float
    test_fraction: float
    is_balanced: bool
    environment: str | None
    stem_stride: int | None
    mirror: bool
    parts: tuple[int, ...]

    def parameters(self, environment: Mapping[str, Any], folder: str) -> dict[str, Any]:
        """Parameters that follow from the images.

        Args:
            environment: Parameters of the environment.
            folder: Absolute path of the folder of images.
        """
        options = {"folder": folder, "image_size": self.image_size, "channels": self.channels}
        images = {
            "source": "image_folder",
            "validation_fraction": self.validation_fraction,
            "test_fraction": self.test_fraction,
            "on_unreadable": "skip",
            "options": {"image_folder": options},
        }
        augmentations: dict[str, dict[str, Any]] = {name: {"flip": self.mirror} for name in FLIPPING}
        augmentations["crop_flip"]["padding"] = max(1, min(MOST_PADDING, self.image_size // 8))
        found: dict[str, Any] = {
            "images": images,
            "subsets": {"fractions": [f"1/{part}" if part > 1 else "1" for part in self.parts]},
            "augmentation": {"options": augmentations},
        }
        if self.environment == LARGE:
            found["evaluation"] = {"low": {"image_sizes": {"half": self.image_size // 2}}}
        if self.stem_stride is not None:
            found["space"] = {"choices": {name: {"stem_stride": self.stem_stride} for name in WITH_STEM_STRIDE}}
        if self.is_balanced:
            weights = {"hyper_parameters": {"class_weights": "balanced"}}
            found |= {"metric": "balanced_accuracy", "training": weights, "teacher": weights, "final": weights}
        return merged(environment, found)


def image_choices(survey: Survey, wishes: Wishes, device: str, workers: int) -> ImageChoices:
    """Choose how the images of a folder are read.

    Args:
        survey: What the folder holds.
        wishes: What the user asks for.
        device: Type of the device: ``cpu``, ``cuda`` or ``mps``.
        workers: Trainings that run in parallel.
    """
    fraction = _held_out_fraction(survey.splits)
    size = wishes.image_size or _affordable_size(survey, wishes.budget_seconds or LONGEST_UNASKED, device, workers)
    environment = None if size <= TINY else SMALL if size <= LARGEST_HALVED else LARGE
    return ImageChoices(
        image_size=size,
        channels=1 if survey.is_grey else 3,
        validation_fraction=fraction,
        test_fraction=fraction,
        is_balanced=survey.imbalance >= IMBALANCED,
        environment=environment,
        stem_stride=2 if SMALL_STEM < size <= LARGEST_HALVED else None,
        mirror=wishes.mirror,
        parts=tuple(part for part in PARTS if part == 1 or _trained(survey, fraction) >= FEWEST * part),
    )


def _trained(survey: Survey, fraction: float) -> float:
    """Training images of the smallest class after images for the other splits were set aside."""
    aside = sum(fraction for split in ("val", "test") if split not in survey.splits)
    return min(survey.classes.values()) * (1 - aside)


def _held_out_fraction(splits: Mapping[str, int]) -> float:
    least, most = FRACTIONS
    return round(min(most, max(least, HELD_OUT / splits["train"])), 3)


def _affordable_size(survey: Survey, budget_seconds: float, device: str, workers: int) -> int:
    """The largest size, not above that of the images, at which the final trainings fit the budget."""
    own = max(SMALLEST_SIZE, survey.side - survey.side % 2)
    if own <= SIZES[0]:
        return own
    speed = ASSUMED_IMAGES_PER_SECOND.get(device, ASSUMED_IMAGES_PER_SECOND["cpu"]) * workers

    def seconds(size: int) -> float:
        return TRAININGS * EPOCHS * survey.splits["train"] * (size / SIZES[0]) ** 2 / speed

    fitting = [size for size in SIZES if size <= own and seconds(size) <= FINAL_SHARE * budget_seconds]
    return max(fitting, default=SIZES[0])
