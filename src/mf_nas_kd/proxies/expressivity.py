"""Expressivity, the first component of AZ-NAS: features that use all their dimensions.

References:
    Lee and Ham (2024). AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search. CVPR, eq. 3 and 4. See
    :mod:`.blocks` for differences.
"""

from __future__ import annotations

from mf_nas_kd.proxies.blocks import block_entropies
from mf_nas_kd.proxies.proxy import ProxyInputs, unchanged


def expressivity(inputs: ProxyInputs) -> float:
    """Sum over blocks of the entropy of their output's principal components."""
    with unchanged(inputs.network):
        return sum(block_entropies(inputs))
