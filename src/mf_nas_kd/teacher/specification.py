"""Which teacher targets, for which pairs of image and augmentation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.taps import TapShapes

TARGETS_VERSION = 1
"""Part of the name of every file of targets. Raise it when a change of the code changes the values of targets."""


@dataclass(frozen=True)
class TargetSpec:
    """Specification of the teacher targets of one loss.

    Attributes:
        distillation: Name of the distillation configuration whose loss declares the targets.
        student: Shapes of the student's taps: the size at which maps are compared may depend on them.
    """

    distillation: str
    student: TapShapes


@dataclass(frozen=True)
class TargetRequest:
    """A worker's task: the targets of several specifications for some pairs, from one forward pass of the teacher.

    Attributes:
        pairs: ``(n,)``, int64, see :class:`mf_nas_kd.images.PairIndex`; positions among all training images.
        specs: One specification for each file of targets.
    """

    pairs: NDArray[np.int64]
    specs: tuple[TargetSpec, ...]


@dataclass(frozen=True)
class TargetBatch:
    """The result of a :class:`TargetRequest`.

    Attributes:
        targets: One array a specification, ``(n, ...)``, half precision.
        seconds: Wall time of the worker, in seconds.
    """

    targets: tuple[NDArray[np.float16], ...]
    seconds: float
