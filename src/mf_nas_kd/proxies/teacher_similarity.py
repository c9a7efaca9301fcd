"""Agreement of an untrained student with its teacher: do both find the same images similar?

In the spirit of DisWOT, which compares similarity matrices of a batch between an untrained student and a teacher by
their distance; here by centred kernel alignment, which does not depend on scale and number of channels.

References:
    Dong, Li and Wei (2023). DisWOT: Student Architecture Search for Distillation WithOut Training. CVPR, section 3.2.
    Kornblith, Norouzi, Lee and Hinton (2019). Similarity of Neural Network Representations Revisited. ICML, eq. 3:
    linear centred kernel alignment.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mf_nas_kd.proxies.proxy import WORST, ProxyInputs, unchanged
from mf_nas_kd.taps import Taps


def teacher_similarity(inputs: ProxyInputs) -> float:
    """Centred kernel alignment, in [0, 1], of the last feature maps of student and teacher.

    Batch normalisation of the student uses the batch's moments. Where one of the two has no feature maps, the
    embeddings are compared.

    Returns:
        ``WORST`` where the student's features are equal for all images.

    Raises:
        InvalidValueError: If there is no teacher.
    """
    teacher = inputs.teacher_taps()
    with unchanged(inputs.network), torch.no_grad():
        student: Taps = inputs.network.train()(inputs.images)
    if student.maps and teacher.maps:
        return kernel_alignment(student.maps[-1].flatten(1), teacher.maps[-1].flatten(1))
    return kernel_alignment(student.embedding, teacher.embedding)


def kernel_alignment(first: Tensor, second: Tensor) -> float:
    """Linear centred kernel alignment of the representations of ``B`` images, ``(B, D)`` and ``(B, D')``.

    >>> points = torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 3.0]])
    >>> round(kernel_alignment(points, 5 * points.flip(1) - 1), 6)  # rotated, scaled and shifted
    1.0
    """
    a, b = (_centred_similarities(each) for each in (first, second))
    scale = float(a.norm() * b.norm())
    return float((a * b).sum()) / scale if scale > 0 else WORST


def _centred_similarities(features: Tensor) -> Tensor:
    """Inner products ``(B, B)`` of centred representations."""
    centred = features.double() - features.double().mean(dim=0)
    return centred @ centred.T
