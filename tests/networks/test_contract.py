"""Every builder makes a network whose taps are what a loss relies on."""

import pytest
import torch

from mf_nas_kd.networks import TEACHERS, build_network, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import TapShapes

TEACHER_FIELDS = {"residual": {"stem": 4, "stages": [4, 8, 12], "blocks": 1}}


@pytest.fixture(params=["mobilenet_v2", *TEACHERS])
def network(request, architectures):
    with torch_seeded(0, "test"):
        if request.param in TEACHERS:
            return TEACHERS[request.param](**TEACHER_FIELDS[request.param], classes=7, image_channels=3)
        return build_network(architectures[0], classes=7, image_channels=3)


def test_taps_have_the_declared_shapes(network):
    taps = network(torch.zeros(5, 3, 16, 16))
    assert taps.logits.shape == (5, 7)
    assert taps.embedding.shape == (5, network.classifier.in_features)
    sizes = [features.shape[-1] for features in taps.maps]
    assert sizes == sorted(set(sizes), reverse=True), "one map a resolution, largest first"
    assert torch.allclose(taps.maps[-1].mean(dim=(2, 3)), taps.embedding)
    shapes = TapShapes.of(taps)
    assert (shapes.classes, shapes.embedding, len(shapes.maps)) == (7, taps.embedding.shape[1], len(taps.maps))


def test_counting_leaves_the_network_as_it_was(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    network_cost(network, (3, 16, 16))
    assert network.training
    assert not network.blocks[0][0]._forward_hooks
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
