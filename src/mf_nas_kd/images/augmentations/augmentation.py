"""The interface of an augmentation: a finite table of rows, one of which is applied to an image at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor

from mf_nas_kd.registry import Options


class Augmentation(ABC):
    """A finite table of augmentations of an image.

    Because the table is finite, a pair of an image and a row comes back again and again, and the teacher's output for
    it can be cached. A training draws the rows uniformly (:class:`mf_nas_kd.images.Draws`); what should come more often
    takes more rows.

    Obligations of an implementation: :meth:`apply` is a pure function of pixels and rows, so the same pair gives the
    same image in every process; all randomness is a seeded choice of the table, made in the constructor; :meth:`apply`
    works on the device of the pixels without waiting for it, so that a step can be captured as a CUDA graph; an
    augmentation can be pickled.

    Attributes:
        Options: Model of the options in the configuration; the constructor takes one.
    """

    Options: ClassVar[type[Options]]

    @abstractmethod
    def __len__(self) -> int:
        """Number of rows of the table, at least 1."""

    @abstractmethod
    def apply(self, pixels: Tensor, rows: Tensor) -> Tensor:
        """Augment a batch of images.

        Args:
            pixels: ``(B, C, H, W)``, uint8.
            rows: ``(B,)``, int64, the row of the table for each image, in [0, ``len(self)``).

        Returns:
            ``(B, C, H, W)``, uint8 or floating point in [0, 255], channels last in memory.
        """

    @property
    @abstractmethod
    def cache_key(self) -> dict[str, Any]:
        """Everything that determines what a row does, as JSON values.

        It is part of the key of every evaluation and of the name of every file of cached teacher targets.
        """
