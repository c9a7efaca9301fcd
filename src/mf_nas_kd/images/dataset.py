"""Labelled images, and the dataset of training, validation and test images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.images.inventory import Inventory, numbered
from mf_nas_kd.images.pixel_file import PixelFile
from mf_nas_kd.images.remembered import remembered
from mf_nas_kd.seeding import canonical_json

SPLITS = ("train", "validation", "test")
CHUNK_BYTES = 2**26  # of images in memory at a time where all pixels are read, however many there are
STATISTICS_VERSION = 1  # raise it when statistics or fingerprint are computed differently


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images with their labels: a selection from pixels that other selections share. Selecting copies no pixel.

    Attributes:
        pixels: Pixels of all images, ``(M, C, H, W)``, uint8; possibly mapped from a file.
        labels: Labels of the selected images, ``(N,)``, int64, in [0, K).
        positions: Indices of the selected images in ``pixels``, ``(N,)``, int64; None for all images in order.
        collection: All images, which have names; None where the images have numbers only.

    Raises:
        ShapeMismatchError: If pixels or labels have another shape or type, or the lengths differ.

    >>> images = LabelledImages(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1, 0, 1]))
    >>> images[torch.tensor([1, 3])].labels
    tensor([1, 1])
    """

    pixels: Tensor
    labels: Tensor
    positions: Tensor | None = None
    collection: ImageCollection | None = None

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
        """The images at the indices ``chosen``, ``(n,)``, int64, in [0, N)."""
        positions = chosen if self.positions is None else self.positions[chosen]
        return LabelledImages(self.pixels, self.labels[chosen], positions, self.collection)

    @property
    def images(self) -> Tensor:
        """Pixels of the selected images, ``(N, C, H, W)``, uint8; a copy where ``positions`` are given."""
        return self.pixels if self.positions is None else self._gathered(self.positions)

    def gathered(self, chosen: Tensor) -> Tensor:
        """A copy of the pixels, ``(n, C, H, W)``, uint8, at the indices ``chosen``, ``(n,)``, int64, in [0, N)."""
        return self._gathered(chosen if self.positions is None else self.positions[chosen])

    def _gathered(self, positions: Tensor) -> Tensor:
        return self.pixels[positions] if self.collection is None else self.collection.gathered(positions)

    @property
    def names(self) -> tuple[str, ...]:
        """Unique names of the selected images, such as the paths of their files; read from the disk when asked for."""
        names = numbered(len(self.pixels)) if self.collection is None else self.collection.names
        return names if self.positions is None else tuple(names[i] for i in self.positions.tolist())

    def chunks(self) -> Iterator[Tensor]:
        """Pixels of the selected images in order, in parts of at most ``CHUNK_BYTES`` and at least an image."""
        for chosen in torch.arange(len(self)).split(max(1, CHUNK_BYTES // self.pixels.shape[1:].numel())):
            yield self.gathered(chosen)


class ImageCollection:
    """All images of a source with their labels, in memory or in a file.

    Pixels of a file are read when they are used, and all processes share them: a pickled collection holds the path of
    the file and no pixels.

    Args:
        pixels: Pixels of all images, ``(M, C, H, W)``, uint8, in memory; or their file.
        labels: Labels of all images, ``(M,)``, int64, in [0, K).
        names: Unique names of all images; None for those beside the file, and for numbers where there is no file.
    """

    def __init__(self, pixels: Tensor | PixelFile, labels: Tensor, names: Sequence[str] | None = None) -> None:
        self._file = pixels if isinstance(pixels, PixelFile) else None
        self.pixels = pixels.pixels if isinstance(pixels, PixelFile) else pixels
        self.labels = labels
        self._names = names

    @classmethod
    def mapped(cls, path: Path, labels: Tensor) -> Self:
        """Make a collection from a file of NumPy's format.

        Args:
            path: File of pixels ``(M, C, H, W)``, uint8.
            labels: Labels of all images, ``(M,)``, int64.
        """
        return cls(PixelFile(path), labels)

    @property
    def path(self) -> Path | None:
        """File of the pixels; None where they are in memory only."""
        return None if self._file is None else self._file.path

    def gathered(self, positions: Tensor) -> Tensor:
        """A copy of the pixels at ``positions``, ``(n,)``, int64, in [0, M): ``(n, C, H, W)``, uint8."""
        return self.pixels[positions] if self._file is None else self._file.gathered(positions)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Unique name of every image: for image files their paths below the folder of the images."""
        if self._names is not None:
            return tuple(self._names)
        inventory = None if self.path is None else Inventory.read(self.path)
        return numbered(len(self.labels)) if inventory is None else tuple(inventory.names)

    def selected(self, positions: Tensor) -> LabelledImages:
        """The images at the indices ``positions``, ``(N,)``, int64, in [0, M)."""
        return LabelledImages(self.pixels, self.labels[positions], positions, self)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._file or self.pixels, self.labels, self._names)


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Training, validation and test images of one classification problem.

    Networks are selected by their validation accuracy; the test accuracy is only reported.

    Attributes:
        name: Name of the source of the images.
        class_names: Names of the ``K`` classes; a label is an index into them.
        collection: All images.
        positions: Indices of the images of each split in the collection, ``(N,)``, int64.
        pixel_statistics: Mean and standard deviation of each channel over the training images, for pixels in [0, 1].
        fingerprint: Fingerprint of name, classes, splits, pixels and labels, 16 hexadecimal characters.
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
        """Make a dataset; statistics and fingerprint are computed from all pixels once, and kept beside their file."""

        def compute() -> list[Any]:
            parts = {split: collection.selected(p) for split, p in positions.items()}
            return [*_pixel_statistics(parts["train"]), _digest(name, class_names, parts)]

        depends_on = [STATISTICS_VERSION, name, list(class_names), sorted(positions)]
        tensors = (collection.labels, *(positions[split] for split in sorted(positions)))
        mean, std, digest = remembered(collection.path, "statistics", depends_on, tensors, compute)
        return cls(name, class_names, collection, positions, (tuple(mean), tuple(std)), digest)

    @property
    def classes(self) -> int:
        """Number of classes, ``K``."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` of one image."""
        _, channels, height, width = self.collection.pixels.shape
        return channels, height, width

    @cached_property
    def test_fingerprint(self) -> str:
        """Fingerprint of name, classes, and pixels and labels of the test images, 16 hexadecimal characters."""
        return _digest(self.name, self.class_names, {"test": self.test})

    @property
    def train(self) -> LabelledImages:
        """Images on which networks are trained."""
        return self._part("train")

    @property
    def validation(self) -> LabelledImages:
        """Images whose accuracy selects networks."""
        return self._part("validation")

    @property
    def test(self) -> LabelledImages:
        """Images whose accuracy is only reported."""
        return self._part("test")

    def _part(self, split: str) -> LabelledImages:
        return self.collection.selected(self.positions[split])


def _pixel_statistics(images: LabelledImages) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, exact: from the counts of the 256 values of a byte."""
    counts = torch.zeros((images.pixels.shape[1], 256), dtype=torch.int64)
    for chunk in images.chunks():
        for channel, pixels in enumerate(chunk.unbind(dim=1)):
            counts[channel] += pixels.flatten().bincount(minlength=256)
    values, shares = torch.arange(256, dtype=torch.float64) / 255, counts.double() / counts.sum(dim=1, keepdim=True)
    mean = shares @ values
    std = ((values - mean[:, None]).square() * shares).sum(dim=1).sqrt().clamp_min(1e-3)
    return tuple(mean.tolist()), tuple(std.tolist())


def _digest(name: str, class_names: tuple[str, ...], parts: Mapping[str, LabelledImages]) -> str:
    """Fingerprint of some splits of a dataset."""
    digest = hashlib.sha256(canonical_json([name, list(class_names)]).encode())
    for split in filter(parts.__contains__, SPLITS):
        shape = [len(parts[split]), *parts[split].pixels.shape[1:]]
        digest.update(canonical_json([split, shape]).encode())
        for chunk in parts[split].chunks():
            digest.update(chunk.contiguous().numpy().data)
        digest.update(parts[split].labels.contiguous().numpy().data)
    return digest.hexdigest()[:16]
