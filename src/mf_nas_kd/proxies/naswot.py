"""NASWOT: how differently a network divides the images of a batch by its rectified units.

References:
    Mellor, Turner, Storkey and Crowley (2021). Neural Architecture Search without Training. ICML, section 3, eq. 2 and
    3. Differences: none for ReLU. ReLU6 has a second threshold, at 6, which normalised inputs seldom reach: the code of
    a unit is that of ReLU. Rectifications that are not modules (those of residual blocks, which are no search space)
    do not count.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mf_nas_kd.proxies.proxy import WORST, ProxyInputs, unchanged


def naswot(inputs: ProxyInputs) -> float:
    """``log |K_H|``, where ``K_H`` ``(B, B)`` counts the rectified units that treat two images alike.

    A unit's code for an image is 1 where its input is positive, else 0. Batch normalisation uses the batch's moments.

    Returns:
        ``WORST`` where two images have equal codes.
    """
    kernels: list[Tensor] = []

    def add_kernel(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        kernels.append(hamming_kernel(arguments[0].flatten(1) > 0))

    rectified = [each for each in inputs.network.modules() if isinstance(each, (nn.ReLU, nn.ReLU6))]
    hooks = [each.register_forward_pre_hook(add_kernel) for each in rectified]
    try:
        with unchanged(inputs.network), torch.no_grad():
            inputs.network(inputs.images)
    finally:
        for hook in hooks:
            hook.remove()
    sign, logarithm = torch.linalg.slogdet(torch.stack(kernels).sum(dim=0)) if kernels else (0.0, 0.0)
    return float(logarithm) if sign > 0 else WORST


def hamming_kernel(codes: Tensor) -> Tensor:
    """Number of units in which the codes of two images are equal.

    Args:
        codes: ``(B, units)``, bool.

    Returns:
        ``(B, B)``, float64 (float32 counts up to 16 million units exactly; layers are added up).

    >>> hamming_kernel(torch.tensor([[True, False, True], [True, True, False]])).tolist()
    [[3.0, 1.0], [1.0, 3.0]]
    """
    signs = codes.float() * 2 - 1
    return ((signs @ signs.T + codes.shape[1]) / 2).double()
