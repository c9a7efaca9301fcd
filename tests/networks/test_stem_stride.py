"""The published ImageNet forms, against torchvision's implementations of them."""

import pytest
import torch
from torchvision import models

from mf_nas_kd.networks import build_network, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.spaces.hand_designed import DESIGNS

PUBLISHED = {"MobileNetV2": models.mobilenet_v2, "ShuffleNetV2": models.shufflenet_v2_x1_0}


def _built(name):
    with torch_seeded(0, "test"):
        return build_network(DESIGNS[name].at(1.0, 224), classes=1000, image_channels=3).eval()


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_form_for_imagenet_computes_what_torchvision_computes(name):
    ours = _built(name)
    with torch_seeded(0, "theirs"), torch.no_grad():
        theirs = PUBLISHED[name]().eval()
        for one, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
            if other.is_floating_point():
                one.copy_(other.uniform_(0.5, 1.0) if one.ndim == 1 else other)
        images = torch.randn(2, 3, 96, 96)
        torch.testing.assert_close(ours(images).logits, theirs(images), rtol=1e-3, atol=1e-4)
    assert network_cost(ours, (3, 224, 224)).params == sum(each.numel() for each in theirs.parameters())


@pytest.mark.parametrize(("name", "maps"), [("MobileNetV2", [112, 56, 28, 14, 7]), ("ShuffleNetV2", [56, 28, 14, 7])])
def test_five_halvings_of_224_pixels_leave_7(name, maps):
    with torch.no_grad():
        assert [each.shape[-1] for each in _built(name)(torch.zeros(1, 3, 224, 224)).maps] == maps
