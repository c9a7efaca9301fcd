"""Residual blocks with few channels: the same numbers, without the convolution that damages memory on CPUs."""

import pytest
import torch
from torch import nn

from mf_nas_kd.networks import residual
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.residual import ResidualBlock


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 1)])
def test_sampling_before_the_shortcut_gives_the_same(monkeypatch, size):
    with torch_seeded(0, "test"):
        sampling, images = ResidualBlock(4, 6, stride=2).eval(), torch.randn(2, 4, *size)
        monkeypatch.setattr(residual, "FEWEST_STRIDED", 0)
        plain = ResidualBlock(4, 6, stride=2).eval()
    plain.load_state_dict(sampling.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(sampling(images), plain(images))


@pytest.mark.parametrize("inputs", [4, 7, 8, 16])
def test_no_1x1_convolution_with_few_channels_has_a_stride(inputs):
    with torch_seeded(0, "test"):
        block = ResidualBlock(inputs, 16, stride=2)
    strided = [
        m for m in block.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1) and m.stride != (1, 1)
    ]
    assert len(strided) == (inputs >= 8)
