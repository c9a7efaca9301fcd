"""Images that live on the device: augmented and normalised there, a batch at a time.

No data loader and no image library takes part in a training step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images.augmentations import Augmentation
from mf_nas_kd.images.dataset import LabelledImages
from mf_nas_kd.images.mixup import Mixture

PIXELS_OF_AN_IMAGE = 32 * 32  # larger images come in smaller batches, so that memory stays the same
LARGEST_BATCH = {"cpu": 64}  # a core's caches hold more of them: 1.2 to 1.8 times as fast as 1024
LARGEST_BATCH_ELSEWHERE = 1024


@dataclass(frozen=True)
class Batch:
    """Images of one training step.

    Attributes:
        images: ``(B, C, H', W')``, normalised, channels last in memory, as the student sees them.
        labels: ``(B,)``, int64.
        positions: ``(B,)``, int64, positions of the images in the subset that is trained on.
        augmentations: ``(B,)``, int64, row of the augmentation's table for each image.
        teacher_images: ``(B, C, H, W)``, the same images at their own size, as the teacher sees them.
        mixture: What the images were mixed with; None where they are those at the positions, with their labels.
    """

    images: Tensor
    labels: Tensor
    positions: Tensor
    augmentations: Tensor
    teacher_images: Tensor
    mixture: Mixture | None = None


class ResidentImages:
    """Labelled images on a device, with their augmentation.

    Args:
        images: The images; they stay uint8. On a CPU they stay where they are, perhaps in a file that all workers map.
        augmentation: The finite table of augmentations.
        pixel_statistics: Mean and standard deviation of each channel, of pixels in [0, 1].
        device: The device where they live.
        image_size: Height and width ``(H', W')`` at which the student sees them; None for the images' own. Smaller
            images are averages over the areas of their pixels, of the augmented image.

    Raises:
        InvalidValueError: If the size is larger than the images' own.
    """

    def __init__(
        self,
        images: LabelledImages,
        augmentation: Augmentation,
        pixel_statistics: tuple[tuple[float, ...], tuple[float, ...]],
        device: torch.device,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        height, width = images.pixels.shape[-2:]
        self._image_size = image_size or (height, width)
        self._resizes = self._image_size != (height, width)
        if self._image_size[0] > height or self._image_size[1] > width:
            raise InvalidValueError("image size", image_size, f"at most that of the images, {(height, width)}")
        self._gather = images.gathered if device.type == "cpu" else _copied(images, device).__getitem__
        self._labels = images.labels.to(device)
        mean, std = (torch.tensor(values, dtype=torch.float32, device=device) for values in pixel_statistics)
        self._scale, self._shift = 1 / (255 * std), -mean / std  # (C,) each
        self.augmentation = augmentation
        self.pixels_an_image = height * width
        self.device = device

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def labels(self) -> Tensor:
        """Labels ``(N,)``, int64, on the device."""
        return self._labels

    @property
    def largest_batch(self) -> int:
        """Number of images of a batch where nothing is learned: a function of device and image size."""
        most = LARGEST_BATCH.get(self.device.type, LARGEST_BATCH_ELSEWHERE)
        return max(1, min(most, most * PIXELS_OF_AN_IMAGE // self.pixels_an_image))

    def batch(
        self, positions: Tensor, augmentations: Tensor, partners: Tensor | None = None, shares: Tensor | None = None
    ) -> Batch:
        """Gather, augment, normalise; mix, if wanted, before the students' images are made smaller.

        Args:
            positions: ``(B,)``, int64, positions of the images.
            augmentations: ``(B,)``, int64, row of the augmentation's table for each.
            partners: ``(B,)``, int64, row within the batch of the image that each is mixed with; None to mix nothing.
            shares: ``(B,)``, float32, in [0, 1], share of the image itself, see :func:`mixtures`; None to mix nothing.
        """
        pixels = self.augmentation.apply(self._gather(positions), augmentations).permute(0, 2, 3, 1)  # (B, H, W, C)
        normalised = pixels.float() * self._scale + self._shift
        labels, mixture = self._labels[positions], None
        if partners is not None and shares is not None:
            normalised = normalised.lerp(normalised[partners], 1 - shares[:, None, None, None])
            mixture = Mixture(shares, labels[partners])
        full_size = normalised.permute(0, 3, 1, 2)
        images = functional.adaptive_avg_pool2d(full_size, self._image_size) if self._resizes else full_size
        return Batch(images, labels, positions, augmentations, full_size, mixture)


def _copied(images: LabelledImages, device: torch.device) -> Tensor:
    """Pixels of all images on a device, ``(N, C, H, W)``, uint8; they are copied in parts."""
    copied = torch.empty((len(images), *images.pixels.shape[1:]), dtype=torch.uint8, device=device)
    start = 0
    for chunk in images.chunks():
        copied[start : start + len(chunk)] = chunk
        start += len(chunk)
    return copied
