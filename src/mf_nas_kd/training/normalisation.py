"""Statistics of batch normalisation at the final weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from mf_nas_kd.device import autocast
from mf_nas_kd.images import Batch


@torch.no_grad()
def recalibrate_normalisation(network: nn.Module, batches: Iterable[Batch]) -> None:
    """Replace the moving averages of batch normalisation by averages at the final weights.

    A low-fidelity training has few steps: its moving averages (momentum 0.1) still contain the statistics of early
    weights, and the accuracy would measure that lag.

    Args:
        network: Left in training mode.
        batches: One more epoch, as in training, but of images that are not mixed, as those are that the network is
            measured on; nothing is learned from it.

    References:
        Wu, Johnson (2021). Rethinking "Batch" in BatchNorm. arXiv 2105.07576, section 3.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
    for number, batch in enumerate(batches, start=1):
        for layer in layers:
            layer.momentum = 1 / number  # the plain average of all so far
        with autocast(batch.images.device):
            network(batch.images)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
