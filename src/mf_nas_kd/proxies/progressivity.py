"""Progressivity, the second component of AZ-NAS: features whose dimensions grow from block to block.

References:
    Lee and Ham (2024). AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search. CVPR, eq. 5. See
    :mod:`.blocks` for differences.
"""

from __future__ import annotations

from itertools import pairwise

from mf_nas_kd.proxies.blocks import block_entropies
from mf_nas_kd.proxies.proxy import UNDEFINED, ProxyInputs, unchanged


def progressivity(inputs: ProxyInputs) -> float:
    """Smallest difference of a block's entropy to that of the block before.

    Returns:
        ``UNDEFINED`` for a network of one block.
    """
    with unchanged(inputs.network):
        entropies = block_entropies(inputs)
    return min((later - earlier for earlier, later in pairwise(entropies)), default=UNDEFINED)
