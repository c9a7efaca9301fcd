"""Labelled images, and the training, validation and test images of one problem."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.seeding import canonical_json

SPLITS = ("train", "validation", "test")
IMAGES_A_CHUNK = 4096  # of what is looked at at once where all pixels are, so that memory does not grow with the images


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images with their classes: a choice among pixels that other choices share. Choosing copies no pixel.

    Attributes:
        pixels: ``(M, C, H, W)``, uint8, of all images; perhaps mapped from a file.
        labels: ``(N,)``, int64, in [0, K).
        positions: ``(N,)``, int64, places of these images among all; None for all of them, in order.

    Raises:
        ShapeMismatchError: If shape or type is another, or the lengths differ.
    """

    pixels: Tensor
    labels: Tensor
    positions: Tensor | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.dtype != torch.uint8:
            received = (tuple(self.pixels.shape), str(self.pixels.dtype))
            raise ShapeMismatchError("images", received, "(N, C, H, W) of torch.uint8")
        count = len(self.pixels) if self.positions is None else len(self.positions)
        if self.labels.shape != (count,) or self.labels.dtype != torch.int64:
            received = (tuple(self.labels.shape), str(self.labels.dtype))
            raise ShapeMismatchError("labels", received, f"({count},) of torch.int64")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: Tensor) -> LabelledImages:
        """The images at ``chosen``, ``(n,)`` of int64."""
        positions = chosen if self.positions is None else self.positions[chosen]
        return LabelledImages(self.pixels, self.labels[chosen], positions)

    @property
    def images(self) -> Tensor:
        """``(N, C, H, W)``, uint8: the pixels themselves, copied where they are a choice."""
        return self.pixels if self.positions is None else self.pixels[self.positions]

    def chunks(self) -> Iterator[Tensor]:
        """:attr:`images` in parts."""
        for chosen in torch.arange(len(self)).split(IMAGES_A_CHUNK):
            yield self[chosen].images


class ImageCollection:
    """All images of a source with their classes, in memory or mapped from a file.

    What is mapped is not read before it is needed, and all processes that map a file share it: a copy for another
    process carries the name of the file and no pixels.

    Args:
        pixels: ``(M, C, H, W)``, uint8.
        labels: ``(M,)``, int64.
        path: The file from which the pixels were mapped; None where they are in memory only.
    """

    def __init__(self, pixels: Tensor, labels: Tensor, path: Path | None = None) -> None:
        self.pixels = pixels
        self.labels = labels
        self.path = path

    @classmethod
    def mapped(cls, path: Path, labels: Tensor) -> Self:
        """Map the pixels of a file of numpy's format; changes of the tensor stay in this process."""
        return cls(torch.from_numpy(np.load(path, mmap_mode="c")), labels, path)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.path is None:
            return type(self), (self.pixels, self.labels)
        return type(self).mapped, (self.path, self.labels)


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Training, validation and test images of one problem. Validation selects; test is only reported.

    Attributes:
        name: Where the images come from.
        class_names: ``K`` names, by label.
        collection: All images.
        positions: Places of the images of each split in the collection.
        pixel_statistics: Mean and standard deviation of each channel of the training images, of pixels in [0, 1].
        fingerprint: 16 hexadecimal characters that differ as soon as one pixel, label or split does.
    """

    name: str
    class_names: tuple[str, ...]
    collection: ImageCollection
    positions: Mapping[str, Tensor]
    pixel_statistics: tuple[tuple[float, ...], tuple[float, ...]]
    fingerprint: str

    @classmethod
    def of(
        cls, name: str, class_names: tuple[str, ...], collection: ImageCollection, positions: Mapping[str, Tensor]
    ) -> ImageDataset:
        """Look at all images once, for statistics and fingerprint."""
        parts = {split: LabelledImages(collection.pixels, collection.labels[p], p) for split, p in positions.items()}
        statistics, digest = _pixel_statistics(parts["train"]), _digest(name, class_names, parts)
        return cls(name, class_names, collection, positions, statistics, digest)

    @property
    def classes(self) -> int:
        """``K``."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(C, H, W)``."""
        return tuple(self.collection.pixels.shape[1:])

    @property
    def train(self) -> LabelledImages:
        """What is learned from."""
        return self._part("train")

    @property
    def validation(self) -> LabelledImages:
        """What selects."""
        return self._part("validation")

    @property
    def test(self) -> LabelledImages:
        """What is only reported."""
        return self._part("test")

    def _part(self, split: str) -> LabelledImages:
        positions = self.positions[split]
        return LabelledImages(self.collection.pixels, self.collection.labels[positions], positions)


def _pixel_statistics(images: LabelledImages) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Exact: bytes are counted, channel by channel."""
    counts = torch.zeros((images.pixels.shape[1], 256), dtype=torch.int64)
    for chunk in images.chunks():
        for channel, pixels in enumerate(chunk.unbind(dim=1)):
            counts[channel] += pixels.flatten().bincount(minlength=256)
    values, shares = torch.arange(256, dtype=torch.float64) / 255, counts.double() / counts.sum(dim=1, keepdim=True)
    mean = shares @ values
    std = ((values - mean[:, None]).square() * shares).sum(dim=1).sqrt().clamp_min(1e-3)
    return tuple(mean.tolist()), tuple(std.tolist())


def _digest(name: str, class_names: tuple[str, ...], parts: Mapping[str, LabelledImages]) -> str:
    digest = hashlib.sha256(canonical_json([name, list(class_names)]).encode())
    for split in SPLITS:
        shape = [len(parts[split]), *parts[split].pixels.shape[1:]]
        digest.update(canonical_json([split, shape]).encode())
        for chunk in parts[split].chunks():
            digest.update(chunk.contiguous().numpy())
        digest.update(parts[split].labels.contiguous().numpy())
    return digest.hexdigest()[:16]
