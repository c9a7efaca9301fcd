"""Strong augmentation: resized crops, flips and small rotations, changed colours, and an erased rectangle.

References:
    Resized crops: see :mod:`.resized_crop`. Colours: see :mod:`.colour`.
    Zhong, Zheng, Kang, Li, Yang (2020). Random erasing data augmentation. AAAI, algorithm 1. Differences: a rectangle
    is filled with one random colour, not with a random value a pixel; and one that does not fit takes the closest
    aspect that does, where the publication draws again.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mf_nas_kd.images.augmentations.boxes import Boxes
from mf_nas_kd.images.augmentations.colour import colour_maps
from mf_nas_kd.images.augmentations.drawing import RangeOfRatios, RangeOfShares, RowDraws, Share
from mf_nas_kd.images.augmentations.table import CropOptions, Crops, Erasures, TransformTable


class Strong(TransformTable):
    """Resized crops with everything that a row can have.

    Args:
        options: What is changed, and by how much at most.
    """

    class Options(CropOptions):
        """Options of ``strong``.

        Attributes:
            area: Smallest and largest share of an image's area that a crop has, in (0, 1].
            aspect: Smallest and largest width of a crop divided by its height, both in pixels.
            flip: Whether half of the crops are mirrored left to right.
            rows: Number of rows of the table, at least 2, the same for all images; row 0 leaves an image as it is. An
                image has at most so many different cached targets.
            seed: Seed of the rows, the same for all trainings of a study, so that cached teacher targets serve all.
            padding: How far a crop may go beyond each edge of an image, as a share of its side, in [0, 0.5]. The image
                is mirrored there. With ``area`` and ``aspect`` of ``[1, 1]``, crops are those of the padded image.
            rotation_degrees: Largest angle by which a crop is turned, to both sides.
            brightness: Largest relative change of all channels, in [0, 1].
            contrast: Largest relative change of the distance to the middle grey, in [0, 1].
            saturation: Largest relative change of the distance to the grey of the same luminance, in [0, 1].
            hue: Largest turn of the hue, as a share of the whole circle, in [0, 0.5].
            erasing_probability: Fraction of the rows that erase a rectangle.
            erasing_area: Smallest and largest share of the image's area that is erased, in (0, 1].
            erasing_aspect: Smallest and largest width of what is erased, divided by its height.
        """

        padding: Annotated[float, Field(ge=0, le=0.5)]
        rotation_degrees: Annotated[float, Field(ge=0, le=180)]
        brightness: Share
        contrast: Share
        saturation: Share
        hue: Annotated[float, Field(ge=0, le=0.5)]
        erasing_probability: Share
        erasing_area: RangeOfShares
        erasing_aspect: RangeOfRatios

    def __init__(self, options: Options) -> None:
        crops = Crops.draw(options, options.rotation_degrees, options.padding)
        super().__init__("strong", options, crops, _colours(options), _erasures(options))


def _colours(options: Strong.Options) -> Tensor:
    draws = options.draws
    amounts = {name: getattr(options, name) for name in ("brightness", "contrast", "saturation")}
    factors = {name: draws.uniform(name, (1 - most, 1 + most), first=1.0) for name, most in amounts.items()}
    return colour_maps(**factors, hue=draws.uniform("hue", (-options.hue, options.hue), first=0.0))


def _erasures(options: Strong.Options) -> Erasures:
    draws: RowDraws = options.draws
    boxes = Boxes.draw(draws, "erasing", options.erasing_area, options.erasing_aspect, first=0.0)
    erases = draws.uniform("erasing", (0, 1), first=1.0) < options.erasing_probability
    colours = [draws.uniform(f"erasing {channel}", (0, 255), first=0.0) for channel in ("red", "green", "blue")]
    return Erasures(Boxes(boxes.areas * erases, boxes.aspects, boxes.positions), torch.stack(colours, dim=1))
