"""Every builder makes a network whose taps are what a loss relies on."""

import pytest
import torch
from torch import nn

from mf_nas_kd.networks import STUDENTS, TEACHERS, build_network, build_teacher, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.records import Architecture
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import build_space
from mf_nas_kd.taps import TapShapes
from tests.conftest import CHOICES, STUDY_INPUT

TEACHER_OPTIONS = {
    "residual": {"stem": 4, "stages": [4, 8, 12], "blocks": 1},
    "resnet32x4": {},
    "timm": {"model": "test_resnet", "pretrained": False, "arguments": {}, **STUDY_INPUT},
    "torchvision": {"model": "resnet18", "small_image_stem": True, "arguments": {}, **STUDY_INPUT},
}


def student_architecture(name):
    if name not in CHOICES:  # a reference that belongs to no space
        return Architecture.of(name, **TEACHER_OPTIONS[name])
    return build_space(name, CHOICES[name]).sample(numpy_generator(0, "tests", name))


def student(name, width=1.0):
    architecture = student_architecture(name)
    with torch_seeded(0, "test"):
        return build_network(architecture, classes=7, image_channels=3, width=width)


@pytest.fixture(params=[*STUDENTS, *TEACHERS])
def network(request):
    if request.param in STUDENTS:
        return student(request.param)
    with torch_seeded(0, "test"):
        return build_teacher(request.param, TEACHER_OPTIONS[request.param], 7, (3, 16, 16))


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


@pytest.mark.parametrize("name", STUDENTS)
@pytest.mark.parametrize("width", [0.01, 0.3, 0.5, 1.5])
def test_a_student_of_any_width_computes_and_a_wider_one_costs_more(name, width):
    network, whole = student(name, width), student(name)
    assert network(torch.zeros(2, 3, 16, 16)).logits.shape == (2, 7)
    cost, whole_cost = (network_cost(n, (3, 16, 16)) for n in (network, whole))
    assert (cost.macs < whole_cost.macs) == (cost.params < whole_cost.params) == (width < 1)


@pytest.mark.parametrize("size", [(7, 9), (1, 1)])
def test_images_of_any_size_are_seen(network, size):
    assert torch.isfinite(network.eval()(torch.ones(2, 3, *size)).logits).all()
