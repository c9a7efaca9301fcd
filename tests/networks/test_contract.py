"""Every builder makes a network whose taps are what a loss relies on."""

import pytest
import torch
from torch import nn

from mf_nas_kd.networks import TEACHERS, build_network, build_teacher, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import TapShapes

TEACHER_OPTIONS = {
    "residual": {"stem": 4, "stages": [4, 8, 12], "blocks": 1},
    "resnet32x4": {},
    "torchvision": {"model": "resnet18", "small_image_stem": True, "arguments": {}},
}


@pytest.fixture(params=["mobilenet_v2", *TEACHERS])
def network(request, architectures):
    with torch_seeded(0, "test"):
        if request.param in TEACHERS:
            return build_teacher(request.param, TEACHER_OPTIONS[request.param], 7, (3, 16, 16))
        return build_network(architectures[0], classes=7, image_channels=3)


def test_taps_have_the_declared_shapes(network):
    taps = network(torch.zeros(5, 3, 16, 16))
    assert taps.logits.shape == (5, 7)
    assert taps.embedding.shape[0] == 5
    sizes = [features.shape[-1] for features in taps.maps]
    assert sizes == sorted(set(sizes), reverse=True), "one map a resolution, largest first"
    assert torch.allclose(taps.maps[-1].mean(dim=(2, 3)), taps.embedding)
    shapes = TapShapes.of(taps)
    assert (shapes.classes, shapes.embedding, len(shapes.maps)) == (7, taps.embedding.shape[1], len(taps.maps))


def test_counting_leaves_the_network_as_it_was(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    hooks = dict(first._forward_hooks)
    network.train()
    network_cost(network, (3, 16, 16))
    assert network.training
    assert dict(first._forward_hooks) == hooks
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
