"""Probabilistic knowledge transfer: similarities between the images of a batch, as probabilities.

References:
    Passalis and Tefas (2018). Learning Deep Representations with Probabilistic Knowledge Transfer. ECCV, section 3,
    with the cosine kernel. Difference: the mean over all pairs instead of the sum, as in the code of Tian et al.
    (2020), Contrastive Representation Distillation, to which the usual weight of 30000 belongs.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss
from mf_nas_kd.taps import Taps

SMALL = 1e-7  # keeps the logarithm finite


class ProbabilisticTransferLoss(DistillationLoss):
    """Mean over all pairs of images of ``p_t log((p_t + ε) / (p_s + ε))``, ``ε = 1e-7``.

    ``p`` ``(B, B)`` is ``(cosine similarity of the embeddings + 1) / 2``, every row divided by its sum.
    """

    @property
    def target_key(self) -> str:
        return "embedding"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The teacher's embedding, ``(B, D)``."""
        return taps.embedding

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        student, teacher = _similarities(taps.embedding), _similarities(targets.to(taps.embedding.dtype))
        return (teacher * torch.log((teacher + SMALL) / (student + SMALL))).mean()


def _similarities(embedding: Tensor) -> Tensor:
    """Similarities ``(B, B)`` of embeddings ``(B, D)``: cosines mapped to [0, 1], every row divided by its sum."""
    directions = functional.normalize(embedding, dim=1)
    similarities = ((directions @ directions.T + 1) / 2).clamp_min(0)  # rounding can give a cosine below -1
    return similarities / similarities.sum(dim=1, keepdim=True)
