"""Images that live on the device: normalised, cropped and flipped there, a batch at a time.

No data loader and no image library takes part in a training step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.images.dataset import LabelledImages
from mf_nas_kd.images.views import Views


@dataclass(frozen=True)
class Batch:
    """What a training step sees.

    Attributes:
        images: ``(B, C, H, W)``, normalised, channels last in memory.
        labels: ``(B,)``.
        positions: ``(B,)``, places of the images in the subset that is trained on.
        views: ``(B,)``, which view of each image.
    """

    images: Tensor
    labels: Tensor
    positions: Tensor
    views: Tensor


class ResidentImages:
    """Labelled images on a device, with the views that can be drawn of them.

    Args:
        images: The images; they stay uint8. On a CPU they stay where they are, perhaps in a file that all workers map.
        views: The finite set of views.
        pixel_statistics: Mean and standard deviation of each channel, of pixels in [0, 1].
        device: Where they live.
    """

    def __init__(
        self,
        images: LabelledImages,
        views: Views,
        pixel_statistics: tuple[tuple[float, ...], tuple[float, ...]],
        device: torch.device,
    ) -> None:
        height, width = images.pixels.shape[-2:]
        on_cpu = device.type == "cpu"
        self._pixels = images.pixels if on_cpu else images.images.to(device)
        self._places = images.positions if on_cpu else None  # of these images within the pixels; None for all in order
        self._padding = [views.padding] * 4
        self._labels = images.labels.to(device)
        mean, std = (torch.tensor(values, dtype=torch.float32, device=device) for values in pixel_statistics)
        self._scale, self._shift = 1 / (255 * std), -mean / std  # (C,) each
        columns = torch.arange(width)
        mirrored = torch.where(views.flipped[:, None], columns.flip(0), columns)
        self._view_rows = (views.rows[:, None] + torch.arange(height)).to(device)  # (V, H)
        self._view_columns = (views.columns[:, None] + mirrored).to(device)  # (V, W)
        self.views = len(views)
        self.pixels_an_image = height * width
        self.device = device

    def __len__(self) -> int:
        return len(self._labels)

    def batch(self, positions: Tensor, views: Tensor) -> Batch:
        """Gather, crop, flip and normalise.

        Args:
            positions: ``(B,)``, places of the images.
            views: ``(B,)``, view of each, in [0, ``self.views``).
        """
        rows, columns = self._view_rows[views], self._view_columns[views]
        chosen = self._pixels[positions if self._places is None else self._places[positions]]
        padded = functional.pad(chosen, self._padding).permute(0, 2, 3, 1)  # (B, H + 2p, W + 2p, C)
        image = torch.arange(len(padded), device=self.device)
        pixels = padded[image[:, None, None], rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
        normalised = pixels.float() * self._scale + self._shift
        return Batch(normalised.permute(0, 3, 1, 2), self._labels[positions], positions, views)
