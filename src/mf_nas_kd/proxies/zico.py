"""ZiCo: gradients that are large and differ little from batch to batch.

References:
    Li, Yang, Bhardwaj and Marculescu (2023). ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients.
    ICLR, eq. 14. Differences: none. Weights whose gradient does not vary, and layers without other ones, are left out,
    as in the authors' program.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.proxies.proxy import WORST, ProxyInputs, unchanged


def zico(inputs: ProxyInputs) -> float:
    """Sum over convolutions and linear layers of ``log`` of the sum over weights of ``E|g| / std|g|``.

    ``g`` is the gradient of the mean cross-entropy of a batch, mean and standard deviation are those over the batches.

    Returns:
        ``WORST`` where no layer has a gradient that varies.
    """
    network = inputs.network
    weights = [each.weight for each in network.modules() if isinstance(each, (nn.Conv2d, nn.Linear))]
    gradients: list[tuple[Tensor | None, ...]] = []
    with unchanged(network):
        for images, labels in inputs.batches:
            loss = functional.cross_entropy(network.train()(images).logits, labels)
            gradients.append(torch.autograd.grad(loss, weights, allow_unused=True))
    layers = [torch.stack(each) for each in zip(*gradients, strict=True) if all(g is not None for g in each)]
    return inverse_variation(layers)


def inverse_variation(layers: Iterable[Tensor]) -> float:
    """Sum over layers of ``log`` of the sum of ``mean / std`` of absolute gradients.

    Args:
        layers: Gradients of each layer, ``(batches, ...)``.

    >>> round(inverse_variation([torch.tensor([[1.0, -2.0], [3.0, 2.0]])]), 4)  # log(2 / 1); the second does not vary
    0.6931
    """
    values: list[float] = []
    for gradients in layers:
        absolute = gradients.abs().flatten(1).double()
        mean, deviation = absolute.mean(dim=0), absolute.std(dim=0, correction=0)
        varies = deviation > 0
        total = float((mean[varies] / deviation[varies]).sum())
        if total > 0:
            values.append(math.log(total))
    return sum(values) if values else WORST
