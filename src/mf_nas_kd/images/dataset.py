"""Labelled images and their three splits as values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.seeding import canonical_json

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images with their classes.

    Attributes:
        images: ``(N, C, H, W)``, uint8.
        labels: ``(N,)``, int64, in [0, K).

    Raises:
        ShapeMismatchError: If shape or type is another, or the lengths differ.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != torch.uint8:
            received = (tuple(self.images.shape), str(self.images.dtype))
            raise ShapeMismatchError("images", received, "(N, C, H, W) of torch.uint8")
        if self.labels.shape != self.images.shape[:1] or self.labels.dtype != torch.int64:
            received = (tuple(self.labels.shape), str(self.labels.dtype))
            raise ShapeMismatchError("labels", received, f"({len(self.images)},) of torch.int64")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, positions: Tensor) -> LabelledImages:
        """The images at ``positions``, ``(n,)`` of int64."""
        return LabelledImages(self.images[positions], self.labels[positions])


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Training, validation and test images of one problem. Validation selects; test is only reported.

    Attributes:
        name: Where the images come from.
        class_names: ``K`` names, by label.
    """

    name: str
    class_names: tuple[str, ...]
    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages

    @property
    def classes(self) -> int:
        """``K``."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(C, H, W)``."""
        return tuple(self.train.images.shape[1:])

    @cached_property
    def pixel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel of the training images, of pixels in [0, 1]."""
        pixels = self.train.images.double() / 255
        mean, std = pixels.mean(dim=(0, 2, 3)), pixels.std(dim=(0, 2, 3), correction=0).clamp_min(1e-3)
        return tuple(mean.tolist()), tuple(std.tolist())

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal characters that differ as soon as one pixel, label or split does."""
        digest = hashlib.sha256(canonical_json([self.name, self.class_names]).encode())
        for split in SPLITS:
            part: LabelledImages = getattr(self, split)
            digest.update(canonical_json([split, list(part.images.shape)]).encode())
            digest.update(part.images.contiguous().numpy().tobytes())
            digest.update(part.labels.contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and header of a safetensors file."""
        tensors = {
            f"{split}_{kind}": getattr(getattr(self, split), kind).contiguous()
            for split in SPLITS
            for kind in ("images", "labels")
        }
        return tensors, {"name": self.name, "class_names": canonical_json(list(self.class_names))}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> ImageDataset:
        """The inverse of :meth:`to_tensors`."""
        parts = {split: LabelledImages(tensors[f"{split}_images"], tensors[f"{split}_labels"]) for split in SPLITS}
        return cls(name=header["name"], class_names=tuple(json.loads(header["class_names"])), **parts)
