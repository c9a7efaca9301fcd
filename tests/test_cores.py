import builtins
import io
import os

import pytest
import torch

from mf_nas_kd import cores


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def container(monkeypatch):
    """A function that makes this process see a host of eight cores and a given CPU quota (cgroup v2)."""

    def set_quota(text):
        plain_open, plain_exists = builtins.open, os.path.exists
        quota_file = "/sys/fs/cgroup/cpu.max"
        monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
        monkeypatch.setattr(os, "cpu_count", lambda: 8)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
        monkeypatch.setattr(os.path, "exists", lambda path: path == quota_file or plain_exists(path))
        monkeypatch.setattr(
            builtins,
            "open",
            lambda path, *args, **kwargs: (
                io.StringIO(text) if path == quota_file else plain_open(path, *args, **kwargs)
            ),
        )

    return set_quota


@pytest.mark.parametrize(("quota", "cores_available"), [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1)])
def test_the_cpu_quota_of_a_container_limits_the_cores(container, quota, cores_available):
    container(quota)
    assert cores.available_cores() == cores_available


def test_the_affinity_of_the_process_limits_the_cores(container, monkeypatch):
    container("max 100000")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    assert cores.available_cores() == 3


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
    for slot in range(3):
        cores.use_gpu(slot)
    assert taken == [0, 1, 0]
