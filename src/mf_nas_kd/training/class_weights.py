"""Weights of the classes in the cross-entropy, from the number of images of each class that a training has.

Letters: ``K`` classes, of which ``K'`` have an image; ``n`` images, ``n_c`` of class ``c``.

With weights ``w``, the cross-entropy of a batch is a weighted mean: ``sum_i w_{y_i} l_i / sum_i w_{y_i}``, as in torch,
so that only the ratios of the weights count. The distillation term is not weighted: the teacher's outputs are compared
for every image alike, and a teacher that is itself trained with weights passes on what it has learned with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mf_nas_kd.registry import lookup

BETA = 0.999
"""Of :func:`effective_number`, one of the values in the paper: a class has at most ``1 / (1 - β)`` = 1,000 effective
images. It is part of what the name means, which is all that keys have: another value is another line in the table."""


def balanced(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """``n / (K' n_c)``: every class counts alike, and the mean over the images is 1.

    Args:
        counts: ``(m,)``, number of images of each class that has one.

    References:
        King, Zeng (2001). Logistic Regression in Rare Events Data. Political Analysis 9; the scale is that of
        scikit-learn's ``class_weight="balanced"``.

    >>> balanced(np.array([500, 100, 20])).round(3).tolist()
    [0.413, 2.067, 10.333]
    """
    weights: NDArray[np.float64] = counts.sum() / (len(counts) * counts)
    return weights


def effective_number(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """``(1 - β) / (1 - β^n_c)``, scaled to the mean 1 over classes: images of a class repeat each other more and more.

    It is between no weights and :func:`balanced`, close to the latter for classes of far less than ``1 / (1 - β)``
    images.

    Args:
        counts: ``(m,)``, number of images of each class that has one.

    References:
        Cui, Jia, Lin, Song, Belongie (2019). Class-Balanced Loss Based on Effective Number of Samples. CVPR, eq. 5, and
        section 4.2 for the scale.

    >>> effective_number(np.array([500, 100, 20])).round(3).tolist()
    [0.12, 0.496, 2.384]
    """
    weights = (1 - BETA) / (1 - BETA ** counts.astype(float))
    scaled: NDArray[np.float64] = weights * len(weights) / weights.sum()
    return scaled


CLASS_WEIGHTS: Mapping[str, Callable[[NDArray[np.int64]], NDArray[np.float64]] | None] = {
    "none": None,
    "balanced": balanced,
    "effective_number": effective_number,
}
"""Weights of the classes by the names of the configuration; None for a plain mean over the images."""


def class_weights(name: str, labels: Tensor, classes: int) -> Tensor | None:
    """Weight of each class, ``(K,)``, float32, on the CPU; None where images are not weighted.

    Args:
        name: A name in ``CLASS_WEIGHTS``.
        labels: ``(n,)``, classes of the images that are trained on.
        classes: Number of classes; one without an image has the weight 0.

    Raises:
        UnknownNameError: If the name is not known.
    """
    weigh = lookup(CLASS_WEIGHTS, name, "class_weights")
    if weigh is None:
        return None
    counts = np.bincount(labels.cpu().numpy(), minlength=classes)
    weights = np.zeros(classes)
    weights[counts > 0] = weigh(counts[counts > 0])
    return torch.from_numpy(weights).float()
