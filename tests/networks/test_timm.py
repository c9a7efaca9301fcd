"""Networks of timm have taps, and see images as their pretrained weights know them."""

import huggingface_hub.constants
import numpy as np
import pytest
import timm
import torch
from PIL import Image
from pydantic import ValidationError
from torch import nn

from mf_nas_kd.errors import InvalidValueError, MissingPackageError, MissingWeightsError
from mf_nas_kd.networks import build_teacher, network_cost, teacher_fields
from mf_nas_kd.networks import timm as timm_builder
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import TapShapes

STATISTICS = ((0.3, 0.4, 0.5), (0.2, 0.25, 0.3))


def options(model, input_size=None, normalisation="study", pretrained=False, **arguments):
    return {
        "model": model,
        "pretrained": pretrained,
        "arguments": arguments,
        "input_size": input_size,
        "normalisation": normalisation,
    }


def build(model, image_shape=(3, 32, 32), classes=7, **fields):
    with torch_seeded(0, "test"):
        return build_teacher("timm", options(model, **fields), classes, image_shape, STATISTICS[:])


@pytest.mark.parametrize(
    ("model", "embedding", "maps"),
    [
        ("test_resnet", 96, [(32, 32), (32, 16), (48, 8), (192, 4), (96, 2)]),
        ("test_efficientnet", 256, [(16, 32), (24, 16), (32, 8), (48, 4), (256, 2)]),
        ("test_convnext", 64, [(24, 16), (32, 8), (48, 4), (64, 2)]),
        ("test_mambaout", 256, [(16, 16), (32, 8), (48, 4), (64, 2)]),  # channels last within
        ("test_vit", 64, []),
    ],
)
def test_taps_of_very_different_networks(model, embedding, maps):
    arguments = {"img_size": 64} if "vit" in model else {}
    network = build(model, (3, 64, 64), **arguments)
    shapes = TapShapes.of(forward_empty_batch(network, (3, 64, 64)))
    assert (shapes.classes, shapes.embedding) == (7, embedding)
    assert shapes.maps == tuple((channels, size, size) for channels, size in maps)
    with torch.no_grad():
        taps = network.eval()(torch.ones(2, 3, 64, 64))
        torch.testing.assert_close(network.model.get_classifier()(taps.embedding), taps.logits)
        torch.testing.assert_close(network.model(torch.ones(2, 3, 64, 64)), taps.logits)


@pytest.mark.parametrize("size", [48, (40, 56), 20])
def test_a_network_sees_pixels_as_timm_prepares_them(size):
    """timm's own transformation of 8-bit images, which rounds resized pixels to 8 bits."""
    network = build("test_efficientnet", input_size=size, normalisation="pretrained").eval()
    height, width = (size, size) if isinstance(size, int) else size
    configuration = network.model.pretrained_cfg
    theirs = timm.data.create_transform(
        (3, height, width),
        interpolation="bilinear",
        mean=configuration["mean"],
        std=configuration["std"],
        crop_pct=1.0,
        crop_mode="squash",
    )
    ramp = np.linspace(0, 255, 32)
    pixels = np.stack([ramp + 0 * ramp[:, None], ramp[:, None] + 0 * ramp, 0.5 * (ramp + ramp[:, None])], axis=-1)
    pixels = pixels.astype(np.uint8)
    mean, std = (torch.tensor(values)[:, None, None] for values in STATISTICS)
    normalised = (torch.from_numpy(pixels).permute(2, 0, 1) / 255 - mean) / std
    prepared, expected = network.prepare(normalised[None])[0], theirs(Image.fromarray(pixels))
    assert (prepared - expected).abs().max() < 1.01 / 255 / min(
        configuration["std"]
    )  # Pillow rounds rows, then columns
    with torch.no_grad():
        torch.testing.assert_close(network(normalised[None]).logits, network.model(expected[None]), atol=1e-2, rtol=0)


def test_grey_images_become_three_equal_channels():
    with torch_seeded(0, "test"):
        given = options("test_resnet", normalisation={"mean": [0.1, 0.2, 0.3], "std": [1.0, 0.5, 0.25]})
        network = build_teacher("timm", given, 7, (1, 32, 32), ((0.4,), (0.2,)))
    prepared = network.prepare(torch.full((1, 1, 32, 32), 0.5))  # a pixel of 0.5
    assert prepared.shape == (1, 3, 32, 32)
    assert prepared[0, :, 0, 0].tolist() == pytest.approx([0.4, 0.6, 0.8])


def test_the_cost_is_that_of_the_own_size():
    small, large = (build("test_resnet", input_size=size) for size in (None, 64))
    assert network_cost(large, (3, 32, 32)).macs == pytest.approx(4 * network_cost(small, (3, 32, 32)).macs, rel=1e-3)
    assert network_cost(large, (3, 32, 32)) == network_cost(small, (3, 64, 64))


def test_what_is_as_in_the_study_is_no_field_and_the_rest_is_in_numbers():
    assert teacher_fields("timm", options("test_resnet")) == {
        "model": "test_resnet",
        "pretrained": False,
        "arguments": {},
    }
    fields = teacher_fields("timm", options("tf_efficientnet_lite0", "pretrained", "pretrained"))
    assert fields["input_size"] == [224, 224]
    assert fields["normalisation"] == {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}


def test_what_timm_does_not_have_or_take_is_refused():
    with pytest.raises(InvalidValueError, match=r"timm.model is 'resnet19', .* lists; did you mean resnet\d+"):
        build("resnet19")
    with pytest.raises(
        InvalidValueError, match=r"timm.arguments is {'depth': 3}, but must be what .*test_resnet takes"
    ):
        build("test_resnet", depth=3)
    with pytest.raises(InvalidValueError, match=r"timm.arguments is \['checkpoint_path'\], but must be others"):
        build("test_resnet", checkpoint_path="weights.pt")
    with pytest.raises(InvalidValueError, match="distilled_.*one whose logits are those of one layer"):
        build("deit_tiny_distilled_patch16_224")
    with pytest.raises(InvalidValueError, match=r"image shape is \(3, 32, 32\), .*doesn't match model"):
        build("vit_tiny_patch16_224")
    with pytest.raises(InvalidValueError, match=r"normalisation .* one number each for a channel, .* have 3"):
        build("test_resnet", normalisation={"mean": [0.5], "std": [0.5]})
    with pytest.raises(ValidationError, match="greater than 0"):
        build("test_resnet", normalisation={"mean": [0.5] * 3, "std": [0.0] * 3})


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(timm_builder, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'mf-nas-kd\[timm\]'"):
        build("test_resnet")


def test_a_download_without_a_network_is_one_clear_line(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    network = build("test_resnet", pretrained=True)  # building downloads nothing
    with pytest.raises(
        MissingWeightsError, match=r"weights test_resnet\.\w+ .*cannot be downloaded.*teacher.weights"
    ) as caught:
        network.load_pretrained()
    assert "\n" not in str(caught.value)


def test_the_adapter_has_no_state():
    network = build("test_resnet", input_size=64, normalisation="pretrained")
    assert set(network.state_dict()) == {f"model.{name}" for name in network.model.state_dict()}
    assert not isinstance(network.prepare, nn.Identity)
