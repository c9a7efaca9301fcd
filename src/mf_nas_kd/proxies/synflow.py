"""SynFlow: the product of all absolute weights along the paths of a network, summed over the paths.

References:
    Tanaka, Kunin, Yamins and Ganguli (2020). Pruning neural networks without any data by iteratively conserving
    synaptic flow. NeurIPS, eq. 2.
    Abdelfattah, Mehrotra, Dudziak and Lane (2021). Zero-Cost Proxies for Lightweight NAS. ICLR, section 3.2: the sum
    over all weights as a proxy, without batch normalisation.
    Differences: the logarithm, which ranks networks alike and has no overflow. ReLU6 would clip the large activations
    and end the flow: it is replaced by ReLU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mf_nas_kd.proxies.proxy import WORST, ProxyInputs, unchanged


def synflow(inputs: ProxyInputs) -> float:
    """``log`` of the sum over all weights ``w`` of convolutions and linear layers of ``|w| dR/d|w|``.

    ``R`` is the sum of the logits for one image of ones, with absolute weights. Batch normalisation passes its input
    on: its initial weights, in evaluation mode, would do so too. Computed in float64.

    Returns:
        ``WORST`` where nothing flows.
    """
    network = inputs.network
    weights = [each.weight for each in network.modules() if isinstance(each, (nn.Conv2d, nn.Linear))]
    with unchanged(network), _linear(network):
        network.double().eval()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.abs_()
        ones = torch.ones(1, *inputs.images.shape[1:], dtype=torch.float64, device=inputs.images.device)
        gradients = torch.autograd.grad(network(ones).logits.sum(), weights, allow_unused=True)
        pairs = zip(weights, gradients, strict=True)
        flow = sum(float((w.detach() * g).sum()) for w, g in pairs if g is not None)
    return math.log(flow) if flow > 0 else WORST


@contextmanager
def _linear(network: nn.Module) -> Iterator[None]:
    """Within the block, batch normalisation passes its input on, and ReLU6 has no upper threshold."""
    clipped = [each for each in network.modules() if isinstance(each, nn.ReLU6)]
    normalised = [each for each in network.modules() if isinstance(each, nn.BatchNorm2d)]
    hooks = [each.register_forward_hook(_pass_on) for each in normalised]
    upper = [each.max_val for each in clipped]
    try:
        for each in clipped:
            each.max_val = math.inf
        yield
    finally:
        for each, limit in zip(clipped, upper, strict=True):
            each.max_val = limit
        for hook in hooks:
            hook.remove()


def _pass_on(_: nn.Module, arguments: tuple[Tensor, ...], __: Tensor) -> Tensor:
    return arguments[0]
