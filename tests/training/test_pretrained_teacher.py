"""A teacher with weights of another program: it sees images as they were in its own training."""

import logging
from dataclasses import replace
from fractions import Fraction

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError
from mf_nas_kd.images import Identity, ResidentImages
from mf_nas_kd.networks import TrainedNetwork, network_cost, rebuild
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.timm import TimmNetwork
from mf_nas_kd.records import Fidelity
from mf_nas_kd.records.evaluation import EvaluationRequest
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import train_teacher
from mf_nas_kd.workers.inline import InlineExecutor

MODEL = "test_resnet"
MEAN, STD = (0.2, 0.3, 0.4), (0.5, 0.6, 0.7)
SIZE = 24
OPTIONS = {
    "model": MODEL,
    "pretrained": False,
    "arguments": {},
    "input_size": SIZE,
    "normalisation": {"mean": MEAN, "std": STD},
}


def plain(classes):
    """timm's own network, with weights and statistics drawn on the spot."""
    with torch_seeded(1, "test"):
        network = timm.create_model(MODEL, num_classes=classes, zero_init_last=False)
        torch.nn.init.normal_(network.fc.weight)
        for _ in range(20):
            network.train()(torch.randn(32, 3, SIZE, SIZE))
    return network.eval()


@pytest.fixture
def weights(tmp_path):
    """A file of weights for a number of classes."""

    def save(classes):
        path = tmp_path / f"{classes}.safetensors"
        save_file(plain(classes).state_dict(), path)
        return path

    return save


def few(digits):
    return replace(digits, positions={**digits.positions, "train": digits.positions["train"][:128]})


def train(images, settings, path, epochs, **changes):
    hyper_parameters = settings.hyper_parameters.model_copy(update={"learning_rate": 0.01})
    return train_teacher(
        images, "timm", {**OPTIONS, **changes}, hyper_parameters, epochs, 0, "cpu", settings.augmentation, path
    )


def test_within_a_study_a_teacher_computes_what_it_does_in_its_own_library(digits, settings, weights):
    """Grey 8-bit pixels: as colour images through timm's transformation, and as the study gives them to a teacher."""
    trained = train(digits, settings, weights(10), epochs=0).network
    teacher = rebuild(TrainedNetwork.from_tensors(*trained.to_tensors()))
    chosen = torch.arange(16)
    resident = ResidentImages(digits.test, Identity(), digits.pixel_statistics, torch.device("cpu"))
    batch = resident.batch(chosen, torch.zeros_like(chosen))
    transform = timm.data.create_transform(
        (3, SIZE, SIZE), interpolation="bilinear", mean=MEAN, std=STD, crop_pct=1.0, crop_mode="squash"
    )
    pixels = digits.test.images[chosen, 0].numpy()
    images = torch.stack([transform(Image.fromarray(each).convert("RGB")) for each in pixels])
    with torch.no_grad():
        expected = plain(10)(images)
        rounding = 0.05 * expected.std(dim=0).mean().item()  # Pillow's, to 8 bits
        torch.testing.assert_close(teacher(batch.teacher_images).logits, expected, atol=rounding, rtol=0)
        assert (plain(10)(images * 0.9 + 0.1) - expected).abs().max() > 2 * rounding, "other numbers would be seen"


def test_a_file_for_other_classes_gets_a_new_classifier_and_is_fine_tuned(digits, settings, weights, caplog):
    caplog.set_level(logging.INFO)
    tuned = train(few(digits), settings, weights(1000), epochs=1)
    assert "are for 1000 classes: the layer 'model.fc' is new" in caplog.text
    before, after = load_file(weights(1000)), tuned.network.weights
    assert after["model.fc.weight"].shape == (10, 96)
    moved = (after["model.conv1.0.weight"] - before["conv1.0.weight"]).norm() / before["conv1.0.weight"].norm()
    assert 0 < moved < 1, "the whole network is trained; other weights would be 1.4 away"
    assert tuned.macs == network_cost(rebuild(tuned.network), digits.image_shape).macs
    assert tuned.macs > 4 * train(few(digits), settings, weights(1000), epochs=1, input_size=None).macs


def test_without_a_training_a_file_for_other_classes_is_refused(digits, settings, weights):
    with pytest.raises(ShapeMismatchError, match=r"layer 'fc.*weight' .*is \(1000, 96\), but must be \(10, 96\)|fc"):
        train(digits, settings, weights(1000), epochs=0)


def test_other_layers_that_do_not_fit_are_refused_with_a_training_too(digits, settings, tmp_path, weights):
    wrong = load_file(weights(1000))
    wrong["conv1.0.weight"] = torch.zeros(8, 3, 3, 3)
    save_file(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(ShapeMismatchError, match=r"conv1.0.weight.* is \(8, 3, 3, 3\)"):
        train(digits, settings, tmp_path / "wrong.safetensors", epochs=1)


def test_a_teacher_has_one_source_of_weights(digits, settings, weights):
    with pytest.raises(InvalidValueError, match="teacher.weights is .* null where teacher.options ask for pretrained"):
        train(digits, settings, weights(10), epochs=1, pretrained=True)
    with pytest.raises(InvalidValueError, match="teacher.epochs is 0"):
        train(digits, settings, None, epochs=0)


def test_downloaded_weights_have_a_named_origin(digits, order, settings, monkeypatch, caplog):
    monkeypatch.setattr(TimmNetwork, "load_pretrained", lambda network: ("timm/test_resnet.r160_in1k", False))
    with pytest.raises(
        InvalidValueError, match="teacher.epochs is 0, but must be at least 1: .*r160_in1k are for other"
    ):
        train(digits, settings, None, epochs=0, pretrained=True)
    tuned = train(few(digits), settings, None, epochs=1, pretrained=True).network
    assert tuned.description.trained_on[0] == "timm/test_resnet.r160_in1k"
    description = replace(tuned.description, trained_on=("timm/test_resnet.r160_in1k", digits.fingerprint))
    saved = TrainedNetwork.from_tensors(*TrainedNetwork(description, tuned.weights).to_tensors())
    for _ in range(2):
        caplog.clear()
        TrainingEvaluator(digits, order, settings, saved)
        assert "trained on other images or splits too (timm/test_resnet.r160_in1k)" in caplog.text, "every time"


def test_students_distil_the_same_from_cached_and_online_targets(
    digits, order, settings, weights, architectures, tmp_path
):
    trained = train(digits, settings, weights(10), epochs=0).network
    fidelity = Fidelity(Fraction(1, 9), 1, 1.0, "kd")
    found = []
    for folder in (tmp_path / "targets", None):
        evaluator = TrainingEvaluator(digits, order, settings, trained, folder)
        request = EvaluationRequest(architectures[0], fidelity, 0)
        pairs = sum(record.pairs for record in evaluator.prepare([request], InlineExecutor(evaluator)))
        assert (pairs > 0) == (folder is not None)
        found.append(evaluator.evaluate(architectures[0], fidelity, 0))
    assert found[0].finished
    assert found[0].metrics == found[1].metrics
