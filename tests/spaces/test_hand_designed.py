"""Hand-designed networks: their published sizes, and the widest form within limits."""

import pytest
import torch

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.networks import CostCounter, build_network
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.records import Costs, Limits
from mf_nas_kd.spaces.hand_designed import DESIGNS, FEWEST_CHANNELS, STEP, widest_within
from mf_nas_kd.spaces.stem_stride import stem_stride_of

SMALL = (3, 32, 32)


@pytest.mark.parametrize(
    ("name", "classes", "size", "params", "macs"),
    [
        # 3.4 M and 300 M
        ("MobileNetV2", 1000, 224, 3_504_872, 300_774_272),
        # 2.3 M and 146 M, with the normalisations and pooling that are not counted here
        ("ShuffleNetV2", 1000, 224, 2_278_604, 144_907_992),
        # 78,666 of MLPerf Tiny: with the biases of 9 convolutions (312 channels, unlearnable behind a normalisation)
        # and the running moments that Keras counts.
        ("ResNet-8", 10, 32, 78_042, 12_501_632),
        # 0.27 M, 41 M; the two projections of the shortcuts (2,752 weights) are none in the paper.
        ("ResNet-20", 10, 32, 272_474, 40_813_184),
    ],
)
def test_unscaled_designs_have_the_published_sizes(name, classes, size, params, macs):
    costs = CostCounter(classes, (3, size, size))(DESIGNS[name].at(1.0, size))
    assert costs == Costs(macs, params)


def strides(size, smallest_map=4):
    return [row[3] for row in DESIGNS["MobileNetV2"].at(1.0, size, smallest_map).fields["stages"]]


def test_the_first_strides_become_1_for_small_images():
    assert strides(224) == [1, 2, 2, 2, 1, 2, 1], "as published"
    assert strides(64) == [1, 2, 2, 2, 1, 2, 1]
    assert strides(32) == [1, 1, 2, 2, 1, 2, 1], "as for CIFAR"
    assert strides(8) == [1, 1, 1, 1, 1, 2, 1]
    assert strides(3) == [1] * 7
    assert strides(8, smallest_map=1) == [1, 1, 2, 2, 1, 2, 1]


@pytest.mark.parametrize(
    ("name", "by_size"), [("MobileNetV2", {224: 2, 128: 2, 96: 1, 32: 1}), ("ShuffleNetV2", {224: 4, 128: 4, 96: 2, 64: 2, 32: 1})]
)  # fmt: skip
def test_the_stem_of_a_design_has_a_stride_where_the_last_maps_keep_four_pixels(name, by_size):
    assert {size: stem_stride_of(DESIGNS[name].at(1.0, size).fields) for size in by_size} == by_size
    for size in by_size:
        with torch_seeded(0, "test"):
            network = build_network(DESIGNS[name].at(0.25, size), classes=3, image_channels=3).eval()
            assert 4 <= network(torch.zeros(1, 3, size, size)).maps[-1].shape[-1] <= 7


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("limits", [Limits.of(max_macs=20_000_000), Limits.of(max_params=200_000)])
def test_the_widest_form_fits_and_the_next_one_does_not(name, limits):
    cost_of = CostCounter(10, SMALL)
    multiplier, architecture = widest_within(name, limits, cost_of, 32)
    assert limits.allow(cost_of(architecture))
    assert architecture == DESIGNS[name].at(multiplier, 32)
    assert not limits.allow(cost_of(DESIGNS[name].at(multiplier + STEP, 32)))
    narrowest = [architecture.fields["stem"], *_channels(architecture)]
    assert min(narrowest) >= FEWEST_CHANNELS


def _channels(architecture):
    place = {"mobilenet_v2": 1, "shufflenet_v2": 0}.get(architecture.space)
    return [stage if place is None else stage[place] for stage in architecture.fields["stages"]]


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 24, 16), (3, 64, 64)])
def test_designs_compute_on_small_images(name, shape):
    with torch_seeded(0, "test"):
        network = build_network(DESIGNS[name].at(0.25, min(shape[1:])), classes=7, image_channels=shape[0])
        assert network(torch.zeros(2, *shape)).logits.shape == (2, 7)


def test_a_design_halves_more_often_where_no_width_fits():
    cost_of = CostCounter(10, SMALL)
    _, wide = widest_within("MobileNetV2", Limits.of(max_macs=8_000_000), cost_of, 32)
    multiplier, small = widest_within("MobileNetV2", Limits.of(max_macs=3_000_000), cost_of, 32)
    assert [row[3] for row in wide.fields["stages"]] == strides(32)
    assert [row[3] for row in small.fields["stages"]] == strides(32, 2)
    assert small == DESIGNS["MobileNetV2"].at(multiplier, 32, smallest_map=2)


@pytest.mark.parametrize("name", DESIGNS)
def test_what_cannot_be_made_small_enough_is_refused_with_its_size(name):
    cost_of = CostCounter(10, SMALL)
    with pytest.raises(ImpossibleLimitError, match=rf"{name} x0.2\d*, its narrowest form, has macs = [\d,]+, and"):
        widest_within(name, Limits.of(max_macs=1000), cost_of, 32)
    with pytest.raises(ImpossibleLimitError, match="no widest form without limits"):
        widest_within(name, Limits.of(), cost_of, 32)
