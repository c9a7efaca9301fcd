import pytest
from torch import nn

from mf_nas_kd.networks import build_network, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.residual import ResidualNetwork
from mf_nas_kd.spaces.published import PUBLISHED_SPACES
from tests.published import published_entries


def test_hand_counted_layers():
    with torch_seeded(0, "test"):
        network = nn.Sequential(
            nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False),  # 4x4 outputs of 4 channels, 27 products each
            nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False),  # depthwise: 9 products each
            nn.Flatten(),
            nn.Linear(64, 5),
        )
    cost = network_cost(network, (3, 8, 8))
    assert cost.macs == 16 * 4 * 27 + 16 * 4 * 9 + 64 * 5
    assert cost.params == 4 * 27 + 4 * 9 + 64 * 5 + 5


def test_resnet32x4_has_the_usual_size():
    """7.43 million parameters with 100 classes: Tian et al. (2020), whose shortcuts are the same."""
    with torch_seeded(0, "test"):
        network = ResidualNetwork(stem=32, stages=[64, 128, 256], blocks=5, classes=100, image_channels=3)
    assert round(network_cost(network, (3, 32, 32)).params / 1e6, 2) == 7.43


def counted(name, entries):
    costs = []
    for entry in entries:
        with torch_seeded(0, "test"):
            network = build_network(PUBLISHED_SPACES[name](entry), classes=100, image_channels=3)
        costs.append(network_cost(network, (3, 32, 32)))
    return costs


@pytest.mark.parametrize(
    ("name", "count", "params", "macs"),
    [
        ("mobilenet", 100, (855_316, 7_220_756), (11_913_472, 182_748_832)),
        ("shufflenet", 300, (448_424, 3_957_196), (8_569_600, 163_887_168)),
    ],
)
def test_counts_of_the_published_networks(published, name, count, params, macs):
    costs = counted(name, published_entries(published, name)[:count])
    assert (min(c.params for c in costs), max(c.params for c in costs)) == params
    assert (min(c.macs for c in costs), max(c.macs for c in costs)) == macs


@pytest.mark.parametrize(("name", "after", "step"), [("mobilenet", 100, 1), ("shufflenet", 300, 12)])
def test_the_other_published_networks_can_be_built(published, name, after, step):
    costs = counted(name, published_entries(published, name)[after::step])
    assert len(costs) >= 56
    assert all(cost.macs > cost.params > 0 for cost in costs)
