import pytest
import torch

from mf_nas_kd import cores


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_gpus_have_the_names_that_the_variable_gives_them(two_gpus, monkeypatch):
    assert cores.visible_gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert cores.visible_gpus() == ["4", "6"]


def test_there_are_no_gpus_where_nobody_has_imported_torch(two_gpus, monkeypatch):
    monkeypatch.delitem(cores.sys.modules, "torch")
    assert cores.visible_gpus() == []


@pytest.mark.parametrize(("gpus", "available", "workers"), [(0, 6, 6), (1, 6, 4), (2, 6, 6), (2, 16, 8)])
def test_trainings_at_a_time_go_by_cores_and_gpus(monkeypatch, gpus, available, workers):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(cores, "available_cores", lambda: available)
    assert cores.default_workers() == workers


def test_workers_take_the_gpus_by_turns(two_gpus, monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    for place in range(3):
        cores.use_gpu(place)
    assert taken == [0, 1, 0]
