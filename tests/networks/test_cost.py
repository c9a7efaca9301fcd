import pickle

import torch
from torch import nn

from mf_nas_kd.networks import network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.mobilenet_v2 import MobileNetV2
from mf_nas_kd.networks.residual import ResidualNetwork


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


def published_values(file):
    class OnlyValues(pickle.Unpickler):
        def find_class(self, module, name):
            raise pickle.UnpicklingError(f"{module}.{name}")

    with file.open("rb") as opened:
        return OnlyValues(opened).load()


def ranges(costs):
    return tuple((min(counts), max(counts)) for counts in ([c.params for c in costs], [c.macs for c in costs]))


def test_counts_of_the_published_mobilenets(published):
    costs = []
    for row in published_values(published / "random_arcs_mobilenetv2.pickle")[:100]:
        with torch_seeded(0, "test"), torch.no_grad():
            network = MobileNetV2(stem=32, stages=row[:-1], head=row[-1][1], classes=100, image_channels=3)
        costs.append(network_cost(network, (3, 32, 32)))
    assert ranges(costs) == ((855_316, 7_220_756), (11_913_472, 182_748_832))
