from dataclasses import replace

import pytest
import safetensors
import torch
from safetensors.torch import save_file

from mf_nas_kd.errors import InvalidValueError, TrainingFailedError
from mf_nas_kd.images import load_images
from mf_nas_kd.networks import TrainedNetwork, rebuild
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import train_teacher
from tests.conftest import STUDY_INPUT


def train(images, builder, options, epochs, seed, settings, weights=None):
    return train_teacher(
        images,
        builder,
        options,
        settings.hyper_parameters,
        epochs,
        seed,
        settings.device,
        settings.augmentation,
        weights,
    )


def save(network, path):
    tensors, header = network.to_tensors()
    save_file(tensors, path, metadata=header)
    return path


def options_of(teacher):
    return teacher.description.builder, teacher.description.fields


def test_weights_of_a_file_are_left_as_they_are_without_epochs(tmp_path, digits, settings, teacher):
    path = save(teacher, tmp_path / "w.safetensors")
    again = train(digits, *options_of(teacher), 0, 1, settings, path)
    assert again.network.fingerprint == teacher.fingerprint
    assert again.epoch_losses == ()
    assert len(again.val_accuracies) == 1


def test_weights_of_a_file_are_a_beginning(tmp_path, digits, settings, teacher):
    save_file(dict(teacher.weights), tmp_path / "w.safetensors")
    fresh = train(digits, *options_of(teacher), 1, 1, settings)
    further = train(digits, *options_of(teacher), 1, 1, settings, tmp_path / "w.safetensors")
    assert further.epoch_losses[0] < fresh.epoch_losses[0]
    assert further.val_accuracies[-1] > fresh.val_accuracies[-1]


def test_neither_weights_nor_epochs_is_refused(digits, settings, teacher):
    with pytest.raises(
        InvalidValueError, match="teacher.epochs is 0, but must be at least 1, or teacher.weights a file"
    ):
        train(digits, *options_of(teacher), 0, 0, settings)


def test_a_network_of_torchvision_teaches(digits, settings):
    options = {"model": "shufflenet_v2_x0_5", "small_image_stem": True, "arguments": {}, **STUDY_INPUT}
    taught = train(digits, "torchvision", options, 1, 0, settings)
    taps = rebuild(taught.network)(torch.zeros(2, 1, 8, 8))
    assert taps.logits.shape == (2, 10)
    assert taught.params == 351_610


def test_dropout_is_a_function_of_the_seed(digits, settings):
    options = {"model": "squeezenet1_1", "small_image_stem": True, "arguments": {}, **STUDY_INPUT}
    few = replace(digits, positions={**digits.positions, "train": digits.positions["train"][:64]})

    def fingerprint(seed):
        return train(few, "torchvision", options, 1, seed, settings).network.fingerprint

    assert fingerprint(0) == fingerprint(0) != fingerprint(1)


WARNING = "trained on other images or splits"


def test_weights_of_another_split_never_claim_this_one(tmp_path, digits, order, settings, teacher, caplog):
    other = load_images("digits", validation_fraction=0.25, test_fraction=0.25, seed=1)
    assert other.fingerprint != digits.fingerprint
    once = train(other, *options_of(teacher), 0, 0, settings, save(teacher, tmp_path / "first.safetensors")).network
    assert once.description.trained_on == (digits.fingerprint,)
    caplog.clear()
    twice = train(other, *options_of(teacher), 0, 0, settings, save(once, tmp_path / "second.safetensors")).network
    assert twice.description.trained_on == (digits.fingerprint,)
    assert WARNING in caplog.text, "the second time as well"
    with pytest.raises(InvalidValueError, match="it may have learned what is now validation or test"):
        TrainingEvaluator(other, order, settings, twice)


def test_further_training_is_added_to_the_origins_of_weights(tmp_path, digits, order, settings, teacher, caplog):
    other = load_images("digits", validation_fraction=0.25, test_fraction=0.25, seed=1)
    further = train(other, *options_of(teacher), 1, 0, settings, save(teacher, tmp_path / "first.safetensors")).network
    assert further.description.trained_on == (digits.fingerprint, other.fingerprint)
    again = TrainedNetwork.from_tensors(*further.to_tensors())
    assert (again.description, again.fingerprint) == (further.description, further.fingerprint)
    caplog.clear()
    TrainingEvaluator(other, order, settings, again)
    assert f"{WARNING} too ({digits.fingerprint})" in caplog.text
    caplog.clear()
    train(other, *options_of(teacher), 0, 0, settings, save(again, tmp_path / "second.safetensors"))
    assert WARNING in caplog.text


def test_the_origin_of_weights_of_another_program_is_unknown(tmp_path, digits, order, settings, teacher, caplog):
    save_file(dict(teacher.weights), tmp_path / "w.safetensors")
    unknown = train(digits, *options_of(teacher), 0, 0, settings, tmp_path / "w.safetensors").network
    assert unknown.description.trained_on == ("",)
    caplog.clear()
    TrainingEvaluator(digits, order, settings, unknown)
    assert f"{WARNING} too (unknown)" in caplog.text
    further = train(digits, *options_of(teacher), 1, 0, settings, tmp_path / "w.safetensors").network
    assert further.description.trained_on == ("", digits.fingerprint)


def test_a_teacher_of_this_split_has_the_header_and_the_fingerprint_of_before(
    tmp_path, digits, order, settings, teacher, caplog
):
    with safetensors.safe_open(save(teacher, tmp_path / "w.safetensors"), framework="pt") as file:
        header = file.metadata()["description"]
    assert f'"trained_on":"{digits.fingerprint}"' in header
    TrainingEvaluator(digits, order, settings, TrainedNetwork.from_tensors(*teacher.to_tensors()))
    assert WARNING not in caplog.text


@pytest.mark.parametrize("rate", [1e20, 1e30])
def test_a_teacher_that_diverged_is_a_failed_training(digits, settings, teacher, rate):
    hyper_parameters = settings.hyper_parameters.model_copy(update={"learning_rate": rate})
    diverging = settings.model_copy(update={"hyper_parameters": hyper_parameters})
    with pytest.raises(TrainingFailedError, match="not finite|the mean loss of epoch"):
        train(digits, *options_of(teacher), 1, 0, diverging)
