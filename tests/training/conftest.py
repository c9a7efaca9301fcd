"""A small network and a few images."""

import pytest
import torch

from mf_nas_kd.images import ResidentImages
from mf_nas_kd.networks import build_network
from mf_nas_kd.networks.initialisation import torch_seeded


@pytest.fixture
def network(architectures):
    with torch_seeded(0, "test"):
        return build_network(architectures[0], classes=10, image_channels=1)


@pytest.fixture
def resident(digits, settings):
    small = digits.train[torch.arange(70)]
    return ResidentImages(small, settings.augmentation.build(), digits.pixel_statistics, torch.device("cpu"))
