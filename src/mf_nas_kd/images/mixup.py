"""Mixup: images of a training step that are mixtures of two images of its batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from mf_nas_kd.images.draws import Draws
from mf_nas_kd.seeding import derive_seed, numpy_generator


@dataclass(frozen=True)
class Mixture:
    """What the images of a batch were mixed with.

    Attributes:
        shares: ``(B,)``, in [0, 1], share of the image itself; the rest is its partner's.
        partner_labels: ``(B,)``, int64, labels of the partners.
    """

    shares: Tensor
    partner_labels: Tensor


def mixtures(draws: Draws, alpha: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Without end: partners and shares of the steps of each epoch of :meth:`Draws.epochs`, on the CPU.

    They are a function of the draws and ``alpha``. The images and augmentations of the steps do not depend on them.

    Args:
        draws: Image and augmentation of every step.
        alpha: Both parameters of the Beta distribution of a batch's share, above 0.

    Yields:
        Partners ``(steps * batch_size,)``, int64, in each batch a permutation of its rows; shares
        ``(steps * batch_size,)``, float32, in [0, 1], equal within a batch.

    References:
        Zhang, Cisse, Dauphin, Lopez-Paz (2018). mixup: Beyond empirical risk minimization. ICLR, section 2: one share
        a batch, which is mixed with a permutation of itself.
    """
    generator = torch.Generator().manual_seed(derive_seed(draws.seed, "mixup partners"))
    beta = numpy_generator(draws.seed, "mixup shares").beta
    for epoch in count(1):
        steps = draws.steps(epoch) - draws.steps(epoch - 1)
        partners = [torch.randperm(draws.batch_size, generator=generator) for _ in range(steps)]
        shares = torch.from_numpy(beta(alpha, alpha, steps)).float()
        yield torch.cat(partners), shares.repeat_interleave(draws.batch_size)
