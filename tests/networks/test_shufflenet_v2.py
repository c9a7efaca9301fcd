import pytest
import torch

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks import network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.shufflenet_v2 import BasicBlock, ShuffleNetV2, interleave


def build(stages, width=1.0):
    with torch_seeded(0, "test"):
        return ShuffleNetV2(stem=4, stages=stages, head=10, classes=5, image_channels=3, width=width)


def test_the_shuffle_interleaves_the_halves():
    features = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert interleave(*features.chunk(2, dim=1)).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_a_basic_block_keeps_the_first_half():
    with torch_seeded(0, "test"):
        block = BasicBlock(6).eval()
    features = torch.linspace(-1, 1, 6 * 16).reshape(1, 6, 4, 4)
    assert torch.equal(block(features)[:, ::2], features[:, :3])


def test_hand_counted_network():
    stem = 3 * 4  # 1x1, 8x8 outputs
    shortcut = 9 * 4, 4 * 3  # depthwise 3x3 and 1x1, 4x4 outputs
    filtering = 4 * 3, 9 * 3, 3 * 3  # 1x1 on 8x8, depthwise to 4x4, 1x1 on 4x4
    basic = 3 * 3, 9 * 3, 3 * 3  # on 4x4
    head = 6 * 10  # 1x1 on 4x4
    half = sum(shortcut) + sum(filtering[1:]) + sum(basic) + head
    normalised = 4 + (4 + 3) + 3 * 3 + 3 * 3 + 10  # channels, each with a scale and a shift
    cost = network_cost(build([[6, 1]]), (3, 8, 8))
    assert cost.macs == 64 * (stem + filtering[0]) + 16 * half + 10 * 5
    assert cost.params == stem + filtering[0] + half + 2 * normalised + 10 * 5 + 5


@pytest.mark.parametrize(("width", "channels"), [(0.01, 2), (0.3, 4), (0.5, 6), (0.8, 10), (1.0, 12), (1.5, 18)])
def test_scaled_stages_stay_even(width, channels):
    assert build([[12, 1]], width).blocks[-1][0].in_channels == channels


def test_odd_channels_are_refused():
    with pytest.raises(InvalidValueError, match=r"channels of a stage is \[6, 7\], but must be even"):
        build([[6, 1], [7, 1]])
