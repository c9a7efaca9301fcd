"""Boxes within images of any size: crops, and rectangles that are erased.

Coordinates are those of ``grid_sample``: -1 and 1 are the edges of the image, whatever its size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mf_nas_kd.images.augmentations.drawing import RowDraws


@dataclass(frozen=True)
class Boxes:
    """One box a row, independent of the size and shape of the images.

    Attributes:
        areas: ``(R,)``, float64, share of the image's area, in [0, 1].
        aspects: ``(R,)``, float64, width divided by height, both in pixels.
        positions: ``(R, 2)``, float64, horizontal and vertical, in [-1, 1]: 0 is the middle, -1 and 1 are as far as the
            box can be moved.
    """

    areas: Tensor
    aspects: Tensor
    positions: Tensor

    @classmethod
    def draw(
        cls, draws: RowDraws, name: str, area: tuple[float, float], aspect: tuple[float, float], first: float
    ) -> Boxes:
        """Draw areas and positions uniformly, aspects uniformly in their logarithm.

        Args:
            draws: Seeded numbers of the rows.
            name: What the boxes are, a part of the seed.
            area: Smallest and largest share of the image's area.
            aspect: Smallest and largest width divided by height.
            first: Area of the box of row 0, which is in the middle.
        """
        logarithms = math.log(aspect[0]), math.log(aspect[1])
        return cls(
            draws.uniform(f"{name} area", area, first),
            draws.uniform(f"{name} aspect", logarithms, 0.0).exp(),
            torch.stack([draws.uniform(f"{name} {axis}", (-1, 1), 0.0) for axis in ("column", "row")], dim=1),
        )

    def within(self, height: int, width: int, padding: float = 0.0) -> tuple[Tensor, Tensor]:
        """Centres and sizes of the boxes in an image.

        A box whose aspect does not fit keeps its area and takes the closest aspect that does.

        Args:
            height: Height of the image in pixels.
            width: Width of the image in pixels.
            padding: How far a box may go beyond each edge, as a share of the image's side.

        Returns:
            Centres ``(R, 2)``, in [-1, 1] without padding, and sizes ``(R, 2)``, shares of the image's sides; float64,
            horizontal first.
        """
        shape = width / height
        aspects = self.aspects.clamp(min=self.areas * shape, max=shape / self.areas)
        sizes = torch.stack([self.areas * aspects / shape, self.areas * shape / aspects], dim=1).sqrt()
        return self.positions * (1 + 2 * padding - sizes), sizes


def pixel_centres(count: int, device: torch.device) -> Tensor:
    """Coordinates ``(count,)``, float32, of the centres of the pixels along one side."""
    return (2 * torch.arange(count, device=device) + 1) / count - 1
