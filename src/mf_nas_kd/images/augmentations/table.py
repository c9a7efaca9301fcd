"""The table that most augmentations are: a crop, a flip, a rotation, a colour map and an erased rectangle a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mf_nas_kd import registry
from mf_nas_kd.images.augmentations.augmentation import Augmentation
from mf_nas_kd.images.augmentations.boxes import Boxes, pixel_centres
from mf_nas_kd.images.augmentations.colour import for_channels, recolour
from mf_nas_kd.images.augmentations.drawing import RangeOfRatios, RangeOfShares, RowCount, RowDraws
from mf_nas_kd.images.augmentations.sampling import affine_maps, sample


class CropOptions(registry.Options):
    """Options of resized crops.

    Attributes:
        area: Smallest and largest share of an image's area that a crop has, in (0, 1].
        aspect: Smallest and largest width of a crop divided by its height, both in pixels.
        flip: Whether half of the crops are mirrored left to right.
        rows: Number of rows of the table, at least 2, the same for all images; row 0 leaves an image as it is. An image
            has at most so many different cached targets.
        seed: Seed of the rows, the same for all trainings of a study, so that cached teacher targets serve all.
    """

    area: RangeOfShares
    aspect: RangeOfRatios
    flip: bool
    rows: RowCount
    seed: int

    @property
    def draws(self) -> RowDraws:
        """Seeded numbers of the rows."""
        return RowDraws(self.rows, self.seed)


@dataclass(frozen=True)
class Crops:
    """The part of the image that each row shows.

    Attributes:
        boxes: The crops.
        flipped: ``(R,)``, bool, whether a crop is mirrored left to right.
        angles: ``(R,)``, float64, angle in radians by which a crop is turned about its centre.
        padding: How far a crop may go beyond each edge of the image, as a share of the image's side.
    """

    boxes: Boxes
    flipped: Tensor
    angles: Tensor
    padding: float = 0.0

    @classmethod
    def draw(cls, options: CropOptions, rotation_degrees: float = 0.0, padding: float = 0.0) -> Crops:
        """Draw the crops of a table.

        Args:
            options: Areas, aspects and flips.
            rotation_degrees: Largest angle, to both sides.
            padding: How far a crop may go beyond each edge of the image, as a share of the image's side.
        """
        draws = options.draws
        boxes = Boxes.draw(draws, "crop", options.area, options.aspect, first=1.0)
        flipped = (draws.uniform("flip", (0, 1), first=1.0) < 0.5) & options.flip
        angles = draws.uniform("rotation", (-rotation_degrees, rotation_degrees), first=0.0).deg2rad()
        return cls(boxes, flipped, angles, padding)

    def maps(self, height: int, width: int) -> Tensor:
        """Affine maps ``(R, 2, 3)`` for images of a size, see :func:`affine_maps`."""
        centres, sizes = self.boxes.within(height, width, self.padding)
        return affine_maps(centres, sizes, self.flipped, self.angles, width / height)


@dataclass(frozen=True)
class Erasures:
    """The rectangle that each row erases.

    Attributes:
        boxes: The rectangles; those of no area erase nothing.
        colours: ``(R, 3)``, float64, in [0, 255], what they are filled with; grey images take the first channel.
    """

    boxes: Boxes
    colours: Tensor


class TransformTable(Augmentation):
    """A table whose row is an affine map, perhaps a colour map, and perhaps an erased rectangle, in this order.

    Pixels are rounded to bytes, as those of a file are: row 0 gives an image back to the last bit.

    Args:
        name: Name of the augmentation, for its key.
        options: Everything that determines the rows, for the key.
        crops: The crops.
        colours: ``(R, 3, 4)``, float64, see :func:`colour_maps`; None to leave colours as they are.
        erasures: The erased rectangles; None for none.
    """

    def __init__(
        self,
        name: str,
        options: CropOptions,
        crops: Crops,
        colours: Tensor | None = None,
        erasures: Erasures | None = None,
    ) -> None:
        self._key = {"name": name, **options.model_dump(mode="json")}
        self._crops = crops
        self._colours = colours
        self._erasures = erasures
        self._maps: dict[tuple[torch.Size, torch.device], tuple[Tensor, ...]] = {}

    def __len__(self) -> int:
        return len(self._crops.flipped)

    def apply(self, pixels: Tensor, rows: Tensor) -> Tensor:
        affine, *others = (maps[rows] for maps in self._maps_for(pixels.shape[1:], pixels.device))
        images = sample(pixels.float(), affine)
        if self._colours is not None:
            images = recolour(images, others.pop(0))
        if self._erasures is not None:
            images = _erased(images, *others)
        rounded = images.clamp(0, 255).round().permute(0, 2, 3, 1)
        return rounded.to(torch.uint8, memory_format=torch.contiguous_format).permute(0, 3, 1, 2)

    @property
    def cache_key(self) -> dict[str, Any]:
        return dict(self._key)

    def _maps_for(self, shape: torch.Size, device: torch.device) -> tuple[Tensor, ...]:
        """What the rows do to images ``(C, H, W)``: affine maps, then colour maps and erased rectangles, if any."""
        if (shape, device) not in self._maps:
            channels, height, width = shape
            maps = [self._crops.maps(height, width)]
            if self._colours is not None:
                maps += [for_channels(self._colours, channels)]
            if self._erasures is not None:
                maps += [*self._erasures.boxes.within(height, width), self._erasures.colours[:, :channels]]
            self._maps[shape, device] = tuple(each.float().to(device) for each in maps)
        return self._maps[shape, device]

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the maps, which are on the device of this process."""
        return {**self.__dict__, "_maps": {}}


def _erased(images: Tensor, centres: Tensor, sizes: Tensor, colours: Tensor) -> Tensor:
    """Fill the pixels whose centres are in a box ``(B, 2)`` with a colour ``(B, C)``."""
    height, width = images.shape[-2:]
    columns = (pixel_centres(width, images.device) - centres[:, :1]).abs() < sizes[:, :1]  # (B, W)
    rows = (pixel_centres(height, images.device) - centres[:, 1:]).abs() < sizes[:, 1:]  # (B, H)
    inside = rows[:, None, :, None] & columns[:, None, None, :]
    return torch.where(inside, colours[:, :, None, None], images)
