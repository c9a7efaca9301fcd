"""The deployed model sees what the training saw, whatever the size of the image."""

import importlib
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image, ImageOps

from mf_nas_kd import __version__
from mf_nas_kd.export.graph import slimmed
from mf_nas_kd.export.preprocessing import preprocessing_graph
from mf_nas_kd.export.runtime import logits_of
from mf_nas_kd.image_files import decode_file, pixels_of_file
from mf_nas_kd.networks import rebuild

SIZES = [(8, 8), (5, 5), (3, 70), (70, 3), (97, 64), (64, 97), (480, 640), (1, 1), (31, 30), (9, 9)]
"""Height and width: that of the study, enlarged, reduced, much longer than wide."""


@pytest.fixture(scope="module")
def resize():
    def resize(channels, height, width, pixels):
        model = slimmed(preprocessing_graph((channels, height, width), 18)).SerializeToString()
        return onnxruntime.InferenceSession(model).run(None, {"images": pixels})[0]

    return resize


@pytest.mark.parametrize("target", [(1, 8, 8), (3, 12, 20)])
@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_those_of_pillow(resize, target, size):
    channels, height, width = target
    pixels = np.random.default_rng(0).integers(256, size=(*size, channels), dtype=np.uint8)
    image = ImageOps.fit(
        Image.fromarray(pixels.squeeze(2) if channels == 1 else pixels), (width, height), Image.BILINEAR
    )
    expected = np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1).astype(int)
    found = resize(channels, height, width, pixels[None])[0].astype(int)
    assert np.abs(found - expected).max() <= 1
    if size[0] <= size[1]:  # Pillow begins with the columns; what is left are halves, rounded to the other side
        assert (found != expected).mean() < 0.15


def test_images_of_the_study_keep_their_pixels_in_any_batch(resize):
    pixels = np.random.default_rng(0).integers(256, size=(5, 8, 8, 3), dtype=np.uint8)
    assert np.array_equal(resize(3, 8, 8, pixels), pixels.transpose(0, 3, 1, 2))


def test_logits_and_probabilities_are_those_of_the_network(onnx_model, graph, digits):
    pixels = digits.test.images[:50].numpy()
    session = onnxruntime.InferenceSession(onnx_model)
    logits, probabilities = session.run(["logits", "probabilities"], {"images": pixels.transpose(0, 2, 3, 1)})
    np.testing.assert_allclose(logits, logits_of(graph, pixels), atol=1e-4)
    exponentials = np.exp(logits)
    np.testing.assert_allclose(probabilities, exponentials / exponentials.sum(axis=1, keepdims=True), atol=1e-6)


def test_the_model_says_what_it_is(onnx_model, trained, digits):
    meta = onnxruntime.InferenceSession(onnx_model).get_modelmeta()
    facts = meta.custom_metadata_map
    assert json.loads(facts["class_names"]) == list(digits.class_names)
    assert json.loads(facts["image_shape"]) == [1, 8, 8]
    assert (facts["study"], facts["licence"]) == ("a study", "MIT")
    assert facts["model_fingerprint"] == trained.fingerprint
    assert meta.producer_name == "mf_nas_kd"
    assert onnx.load_from_string(onnx_model).producer_version == __version__


def test_a_file_is_decoded_for_the_model_as_for_the_training(resize, tmp_path):
    rng = np.random.default_rng(0)
    clear = tmp_path / "clear.png"
    Image.fromarray(rng.integers(256, size=(40, 60, 4), dtype=np.uint8)).save(clear)
    turned, exif = tmp_path / "turned.jpg", Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(rng.integers(256, size=(60, 33, 3), dtype=np.uint8)).save(turned, exif=exif)
    for path, size in ((clear, (40, 60)), (turned, (33, 60))):
        pixels = pixels_of_file(path, 3, (8, 8))
        assert pixels.shape == (*size, 3)
        found = resize(3, 8, 8, pixels[None])[0].astype(int)
        assert np.abs(found - decode_file(path, 3, (8, 8))).max() <= 1


def test_files_of_all_kinds_get_the_class_that_the_training_would_give(
    onnx_model, trained, digits, project, monkeypatch, tmp_path
):
    monkeypatch.syspath_prepend(str(project / "benchmarks"))
    benchmark = importlib.import_module("int8")
    paths = benchmark.mixed_files(digits, tmp_path, [size for size in benchmark.SIZES if max(size) <= 640])
    assert len(paths) >= 99
    session, network = onnxruntime.InferenceSession(onnx_model), rebuild(trained)
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in digits.pixel_statistics)
    with torch.no_grad():
        pixels = torch.from_numpy(np.stack([decode_file(path, 1, (8, 8)) for path in paths]))
        expected = network((pixels / 255 - mean) / std).logits.argmax(dim=1).tolist()
    found = [session.run(["logits"], {"images": pixels_of_file(path, 1, (8, 8))[None]})[0].argmax() for path in paths]
    assert np.mean(np.array(found) == expected) >= 0.99
    assert len(set(expected)) > 4
