from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks import rebuild
from mf_nas_kd.training import train_teacher


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


def options_of(teacher):
    return teacher.description.builder, teacher.description.fields


def test_weights_of_a_file_are_left_as_they_are_without_epochs(tmp_path, digits, settings, teacher):
    save_file(dict(teacher.weights), tmp_path / "w.safetensors")
    again = train(digits, *options_of(teacher), 0, 1, settings, tmp_path / "w.safetensors")
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
    options = {"model": "shufflenet_v2_x0_5", "small_image_stem": True, "arguments": {}}
    taught = train(digits, "torchvision", options, 1, 0, settings)
    taps = rebuild(taught.network)(torch.zeros(2, 1, 8, 8))
    assert taps.logits.shape == (2, 10)
    assert taught.params == 351_610


def test_dropout_is_a_function_of_the_seed(digits, settings):
    options = {"model": "squeezenet1_1", "small_image_stem": True, "arguments": {}}
    few = replace(digits, positions={**digits.positions, "train": digits.positions["train"][:64]})

    def fingerprint(seed):
        return train(few, "torchvision", options, 1, seed, settings).network.fingerprint

    assert fingerprint(0) == fingerprint(0) != fingerprint(1)
