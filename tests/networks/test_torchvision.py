"""Networks of torchvision have the same taps as our own, whatever their layers are."""

import warnings

import pytest
import torch
from pydantic import ValidationError

from mf_nas_kd.distillation import build_loss
from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError
from mf_nas_kd.networks import build_teacher
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import TapShapes
from tests.conftest import STUDY_INPUT


def build(model, image_shape=(3, 32, 32), small_image_stem=True, classes=7, **arguments):
    options = {"model": model, "small_image_stem": small_image_stem, "arguments": arguments, **STUDY_INPUT}
    with torch_seeded(0, "test"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build_teacher("torchvision", options, classes, image_shape)


@pytest.mark.parametrize(
    ("model", "embedding", "maps"),
    [
        ("resnet18", 512, [(64, 32), (128, 16), (256, 8), (512, 4)]),
        ("densenet121", 1024, [(128, 32), (256, 16), (512, 8), (1024, 4)]),
        ("mobilenet_v2", 1280, [(16, 32), (24, 16), (32, 8), (96, 4), (1280, 2)]),
        ("squeezenet1_1", 512, [(128, 32), (256, 16), (512, 8)]),
        ("googlenet", 1024, [(192, 32), (480, 16), (832, 8), (1024, 4)]),
        ("convnext_tiny", 768, [(96, 32), (192, 16), (384, 8), (768, 4)]),
        ("swin_t", 768, [(96, 32), (192, 16), (384, 8), (768, 4)]),
    ],
)
def test_taps_of_very_different_networks(model, embedding, maps):
    network = build(model)
    shapes = TapShapes.of(forward_empty_batch(network, (3, 32, 32)))
    assert (shapes.classes, shapes.embedding) == (7, embedding)
    assert shapes.maps == tuple((channels, size, size) for channels, size in maps)
    with torch.no_grad():
        taps = network.eval()(torch.zeros(2, 3, 32, 32))
    assert torch.isfinite(taps.logits).all()


def test_the_stem_of_the_library_is_kept_by_default():
    resnet = TapShapes.of(forward_empty_batch(build("resnet18", small_image_stem=False), (3, 32, 32)))
    assert resnet.maps[0] == (64, 16, 16)
    assert resnet.maps[-1] == (512, 1, 1)


def test_grey_images_have_one_channel():
    assert build("resnet18", image_shape=(1, 8, 8)).model.conv1.weight.shape == (64, 1, 3, 3)


def test_the_embedding_is_the_input_of_the_last_layer():
    network = build("resnet18").eval()
    with torch.no_grad():
        taps = network(torch.ones(2, 3, 32, 32))
        torch.testing.assert_close(network.model.fc(taps.embedding), taps.logits)


def test_a_network_of_tokens_has_no_maps_and_losses_of_maps_refuse_it():
    network = build("vit_b_32", image_size=32)
    teacher = TapShapes.of(forward_empty_batch(network, (3, 32, 32)))
    assert teacher.maps == ()
    student = TapShapes(7, 16, ((16, 4, 4),))
    build_loss("kd", student=student, teacher=teacher, num_images=10)
    for name in ("attention", "nst", "similarity", "hint", "vid"):
        with pytest.raises(
            ShapeMismatchError, match="number of the teacher's feature maps is 0, but must be at least 1"
        ):
            build_loss(name, student=student, teacher=teacher, num_images=10)


def test_what_torchvision_does_not_have_or_take_is_refused():
    with pytest.raises(ValidationError, match="torchvision's model is 'resnet19', but must be one of: .*resnet18"):
        build("resnet19")
    with pytest.raises(InvalidValueError, match=r"image shape is \(3, 8, 8\), but must be one that .*alexnet"):
        build("alexnet", image_shape=(3, 8, 8), small_image_stem=False)
    with pytest.raises(InvalidValueError, match=r"image shape is \(3, 32, 32\), .*'vit_b_32'.*Wrong image"):
        build("vit_b_32")
    with pytest.raises(
        InvalidValueError, match=r"teacher.options.torchvision.arguments is .*what .*resnet18 takes: .*depth"
    ):
        build("resnet18", depth=3)
    with pytest.raises(
        InvalidValueError, match=r"torchvision.arguments is {'groups': 7}.*takes: .*expected value 32 but got 7"
    ):
        build("resnext50_32x4d", groups=7)


def test_a_network_of_tokens_keeps_its_patches():
    with torch.no_grad():
        assert build("vit_b_32", image_size=32, small_image_stem=True).eval()(torch.zeros(2, 3, 32, 32)).maps == ()
