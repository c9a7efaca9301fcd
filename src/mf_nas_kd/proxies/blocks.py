"""Outputs of the blocks of a network, on which the components of AZ-NAS are defined.

References:
    Lee and Ham (2024). AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search. CVPR, section 3.2. The
    input is Gaussian noise, as in the authors' program; blocks are those of our networks: the stem, each block or cell,
    the head. Difference: initial weights are those of all our networks. (Batch normalisation after a convolution
    removes the scale, by which they differ from the authors'.)
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mf_nas_kd.proxies.proxy import ProxyInputs


def block_passes(inputs: ProxyInputs) -> Iterator[tuple[Tensor, Tensor]]:
    """Input and output of every block, in their order, for a batch of Gaussian noise, in training mode.

    The graph of automatic differentiation begins at each block's input.
    """
    noise = torch.randn(inputs.images.shape, generator=inputs.generator()).to(inputs.images.device)
    features = noise.contiguous(memory_format=torch.channels_last)
    for block in inputs.network.train().blocks:
        entering = features.detach().requires_grad_()
        features = block(entering)
        yield entering, features


def rows_of(features: Tensor) -> Tensor:
    """Feature vectors of all positions of all images, ``(B * H * W, C)``."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def entropy(features: Tensor) -> float:
    """Entropy of the principal components of features ``(B, C, H, W)``, at most ``log C``; 0 for constant features.

    The eigenvalues of the covariance over images and positions, divided by their sum, are the probabilities. Where
    there are fewer vectors than channels, those of their inner products are the same ones.

    >>> round(entropy(torch.eye(3)[:, :, None, None]), 4)  # two equal components: log 2
    0.6931
    """
    rows = rows_of(features.detach())
    centred = rows - rows.mean(dim=0)
    inner = centred.T @ centred if centred.shape[1] <= centred.shape[0] else centred @ centred.T
    eigenvalues = torch.linalg.eigvalsh(inner.double() / len(rows)).clamp_min(0)
    total = eigenvalues.sum()
    if not total > 0:
        return 0.0
    shares = eigenvalues / total
    return float(torch.special.entr(shares).sum())


def block_entropies(inputs: ProxyInputs) -> list[float]:
    """Entropy of the output of every block."""
    with torch.no_grad():
        return [entropy(output) for _, output in block_passes(inputs)]
