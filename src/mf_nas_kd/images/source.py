"""The protocol of a source of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.errors import MissingImagesError
from mf_nas_kd.image_files import Pixels
from mf_nas_kd.images.journal import Part
from mf_nas_kd.registry import Options


class Source(Protocol):
    """Knows which images there are before it decodes them.

    Obligations: a source is constructed from an instance of its ``Options``; the constructor checks the files, and what
    costs time is left to ``decode``. Images with equal names, states and settings have equal pixels.

    Attributes:
        Options: Model of the options.
        class_names: Names of the ``K`` classes; a label is an index into them.
        labels: Labels of all images, ``(M,)``, int64, in [0, K).
        names: Unique name of every image, ``M`` of them; of a file its path below the folder of all, with ``/``.
        states: State of the file of every image, ``(M, S)``, int64: a file that was changed has another one.
        settings: Fingerprint of the options that decoded pixels depend on.
        splits: Split of every image, ``(M,)``, each one of ``dataset.SPLITS``. ``validation`` and ``test`` may be
            absent; they are then drawn from ``train``.
        image_shape: Shape ``(C, H, W)`` of every decoded image.
    """

    Options: ClassVar[type[Options]]
    class_names: tuple[str, ...]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    states: NDArray[np.int64]
    settings: str
    splits: NDArray[np.str_]
    image_shape: tuple[int, int, int]

    def __init__(self, options: Any) -> None: ...

    def decode(self, pixels: Pixels, rows: NDArray[np.int64]) -> Iterator[Part]:
        """Decode images into their places in an array.

        Args:
            pixels: Array ``(M, C, H, W)``, uint8, in memory or mapped from a file, for all images.
            rows: Indices of the images to decode, ascending, ``(n,)``; others may be decoded as well.

        Yields:
            Parts of ``rows`` as they are finished.

        Raises:
            MissingImagesError: If decoding cannot go on; what was yielded is done.
        """
        ...


def without(source: Source, unreadable: Sequence[int]) -> NDArray[np.str_]:
    """Split of every image of a source, ``(M,)``; an empty name for those that cannot be read.

    Raises:
        MissingImagesError: If none of the images of a class in a split can be read.
    """
    splits = source.splits.copy()
    splits[list(unreadable)] = ""
    for split in np.unique(source.splits):
        counts = np.bincount(source.labels[splits == split], minlength=len(source.class_names))
        if not counts.all():
            name = source.class_names[int(counts.argmin())]
            raise MissingImagesError(f"no image of the class {name!r} in {split} can be read")
    return splits
