"""A teacher is trained once, whoever asks for it."""

import threading

import pytest
import timm
from safetensors.torch import save_file

from mf_nas_kd.networks import TEACHERS
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import trained_teachers
from mf_nas_kd.studies.trained_teachers import TrainedTeachers
from mf_nas_kd.training import train_teacher
from mf_nas_kd.training.speed_ups import ALL


@pytest.fixture
def trained(monkeypatch):
    """Arguments of every training that was made."""
    made = []

    def count(*arguments):
        made.append(arguments)
        return train_teacher(*arguments)

    monkeypatch.setattr(trained_teachers, "train_teacher", count)
    monkeypatch.setattr(trained_teachers, "SECONDS_BETWEEN_READS", 0.05)
    return made


@pytest.fixture
def teachers(tmp_path):
    return TrainedTeachers(tmp_path / "trained", EvaluationStore(f"sqlite:///{tmp_path}/store.db"))


@pytest.fixture
def wanted(digits, settings):
    options = TEACHERS["residual"].Options(stem=4, stages=[4], blocks=1)
    return {
        "images": digits,
        "builder": "residual",
        "options": options,
        "hyper_parameters": settings.hyper_parameters,
        "epochs": 1,
        "seed": 0,
        "device": "cpu",
        "augmentation": settings.augmentation,
        "weights": None,
        "speed_ups": ALL,
    }


def test_the_second_time_nothing_is_trained_and_everything_is_equal(teachers, wanted, trained):
    first, again = (teachers.find_or_train(**wanted) for _ in range(2))
    assert len(trained) == 1
    assert again.network.fingerprint == first.network.fingerprint
    for measured in ("epoch_losses", "val_accuracies", "test_accuracy", "macs", "params"):
        assert getattr(again, measured) == getattr(first, measured)


def test_whatever_determines_a_teacher_is_part_of_its_key(teachers, wanted, trained, digits, tmp_path):
    first = teachers.find_or_train(**wanted)
    weights = tmp_path / "weights.safetensors"
    save_file(dict(first.network.weights), weights)
    hyper_parameters = wanted["hyper_parameters"].model_copy(update={"learning_rate": 0.05})
    changes = [
        {"seed": 1},
        {"epochs": 2},
        {"hyper_parameters": hyper_parameters},
        {"options": TEACHERS["residual"].Options(stem=4, stages=[6], blocks=1)},
        {"weights": weights},
    ]
    for change in changes:
        teachers.find_or_train(**{**wanted, **change})
    assert len(trained) == 1 + len(changes)
    teachers.find_or_train(**{**wanted, "weights": weights.rename(tmp_path / "other name.safetensors")})
    assert len(trained) == 1 + len(changes), "the content of a file of weights counts"


def test_a_damaged_file_is_replaced_with_a_warning(teachers, wanted, trained, tmp_path, caplog):
    teachers.find_or_train(**wanted)
    (path,) = (tmp_path / "trained").iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    teachers.find_or_train(**wanted)
    teachers.find_or_train(**wanted)
    assert len(trained) == 2
    assert "is damaged, so the teacher is trained again" in caplog.text


def test_of_two_runs_at_once_one_trains_and_the_other_waits(wanted, trained, tmp_path):
    found = []

    def one():
        store = EvaluationStore(f"sqlite:///{tmp_path}/store.db")
        found.append(TrainedTeachers(tmp_path / "trained", store).find_or_train(**wanted))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trained) == 1
    assert found[0].network.fingerprint == found[1].network.fingerprint


def test_a_pretrained_teacher_is_found_again_and_warned_about_every_time(teachers, wanted, trained, tmp_path, caplog):
    file = tmp_path / "weights.safetensors"
    with torch_seeded(0, "test"):
        save_file(timm.create_model("test_resnet", num_classes=5).state_dict(), file)
    given = {"model": "test_resnet", "pretrained": False, "arguments": {}, "normalisation": "pretrained"}
    options = TEACHERS["timm"].Options(**given, input_size=16)
    asked = {**wanted, "builder": "timm", "options": options, "weights": file}
    fingerprints = set()
    for _ in range(2):
        caplog.clear()
        fingerprints.add(teachers.find_or_train(**asked).network.fingerprint)
        assert "trained on other images or splits too (unknown)" in caplog.text
    assert (len(trained), len(fingerprints)) == (1, 1)
    in_numbers = TEACHERS["timm"].Options(
        **{**given, "normalisation": options.pretrained_input().normalisation}, input_size=(16, 16)
    )
    teachers.find_or_train(**{**asked, "options": in_numbers})
    assert len(trained) == 1, "the same size and normalisation in other words"
    teachers.find_or_train(**{**asked, "options": options.model_copy(update={"input_size": None})})
    assert len(trained) == 2
