"""Multiply-accumulates of the edges of a cell that lie on a path from its input to its output."""

from __future__ import annotations

from mf_nas_kd.networks import build_network, network_cost
from mf_nas_kd.networks.initialisation import Uninitialised, torch_seeded
from mf_nas_kd.proxies.proxy import UNDEFINED, ProxyInputs
from mf_nas_kd.spaces.nas_bench_201 import without_dead_edges


def live_macs(inputs: ProxyInputs) -> float:
    """Multiply-accumulates of the network whose dead edges are removed; ``UNDEFINED`` for other spaces than cells."""
    alive = without_dead_edges(inputs.architecture)
    if alive is None:
        return UNDEFINED
    _, channels, height, width = inputs.images.shape
    with torch_seeded(0, "live edges"), Uninitialised():
        network = build_network(alive, inputs.network.classifier.out_features, channels)
    return float(network_cost(network, (channels, height, width)).macs)
