"""Trainability, the third component of AZ-NAS: blocks that neither shrink nor enlarge gradients.

References:
    Lee and Ham (2024). AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search. CVPR, eq. 6 to 9. See
    :mod:`.blocks` for differences.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.proxies.blocks import block_passes, rows_of
from mf_nas_kd.proxies.proxy import UNDEFINED, WORST, ProxyInputs, unchanged

SMALLEST = 1e-6
"""Added to a spectral norm before it is inverted, as in the authors' program."""


def trainability(inputs: ProxyInputs) -> float:
    """Mean over blocks after the first of ``2 - s - 1 / s``, at most 0.

    ``s`` is the spectral norm of an estimate of the block's Jacobian, from the gradients of its input for random signs
    as gradients of its output.

    Returns:
        ``WORST`` where a block returns its input, as the authors' program does; ``UNDEFINED`` for a network of one
        block.
    """
    generator = inputs.generator()
    with unchanged(inputs.network):
        scores = [_score(*each, generator) for each in block_passes(inputs)][1:]
    return sum(scores) / len(scores) if scores else UNDEFINED


def _score(entering: Tensor, leaving: Tensor, generator: torch.Generator) -> float:
    signs = torch.randint(0, 2, leaving.shape, generator=generator).to(leaving) * 2 - 1
    gradient = torch.autograd.grad(leaving, entering, signs, allow_unused=True)[0] if leaving.requires_grad else None
    if gradient is None:
        gradient = torch.zeros_like(entering)
    if gradient.shape == signs.shape and torch.equal(gradient, signs):
        return WORST
    norm = jacobian_norm(gradient, signs)
    return 2 - norm - 1 / (norm + SMALLEST)


def jacobian_norm(gradient: Tensor, signs: Tensor) -> float:
    """Spectral norm of the estimated Jacobian of a block.

    Where the block makes maps smaller, the positions that one output position covers are further channels of the
    input, with zeros where they end in the midst of one.

    Args:
        gradient: ``(B, C, H, W)``, gradient of the block's input.
        signs: ``(B, C', H', W')``, gradient of its output: +1 or -1.

    >>> signs = torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)
    >>> jacobian_norm(3 * signs, signs)
    3.0
    """
    (height, width), (rows, columns) = gradient.shape[-2:], signs.shape[-2:]
    stride = max(-(-height // rows), -(-width // columns))
    if stride > 1:
        padded = functional.pad(gradient, (0, columns * stride - width, 0, rows * stride - height))
        gradient = functional.pixel_unshuffle(padded, stride)
    left, right = rows_of(gradient), rows_of(signs)
    jacobian = (left.T @ right).double() / len(right)
    inner = jacobian.T @ jacobian if jacobian.shape[1] <= jacobian.shape[0] else jacobian @ jacobian.T
    return float(torch.linalg.eigvalsh(inner)[-1].clamp_min(0).sqrt())
