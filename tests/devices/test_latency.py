"""Measurements of a model, on this machine and in a pack for another one."""

import csv
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mf_nas_kd.devices import latency
from mf_nas_kd.devices.measurement import MeasuredGraph, measure_model
from mf_nas_kd.devices.pack import read_measurements, write_pack
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Architecture

GRAPH = MeasuredGraph(10, (3, 4, 5), "float32")


def model_bytes():
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", 3, 4, 5])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3, 4, 5])
    node = helper.make_node("Cast", ["images"], ["logits"], to=TensorProto.FLOAT)
    graph = helper.make_graph([node], "cast", [images], [logits])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(latency, "SECONDS", 0.02)
    monkeypatch.setattr(latency, "WARM_UP_SECONDS", 0.001)


def test_a_model_is_measured_with_its_spread(quick):
    costs = measure_model(model_bytes())
    assert 0 < costs.latency.low_ms < costs.latency.median_ms < costs.latency.high_ms
    assert costs.latency.high_ms >= 1.1 * costs.latency.median_ms
    assert costs.latency.runs >= latency.FEWEST_RUNS
    assert costs.activation_kib == 60 * 5 / 1024
    assert costs.model_kib == len(model_bytes()) / 1024


def test_runs_that_others_have_disturbed_do_not_count():
    wall = np.where(np.arange(80) % 2, 0.050, 0.001)
    assert latency._summary(wall, wall, wall > 0.01).median_ms == pytest.approx(1)
    processor = np.full(80, 0.002)
    assert latency._summary(wall, processor, np.full(80, True)).median_ms == pytest.approx(2), "processor time"


def test_the_spread_reaches_to_the_slowest_round():
    wall = np.repeat([0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.003], 10)
    found = latency._summary(wall, wall, wall > 1)
    assert (found.median_ms, found.high_ms) == (pytest.approx(1), pytest.approx(3))


def test_a_pack_is_measured_by_its_own_script_and_read_back(tmp_path):
    architectures = [Architecture.of("mobilenet_v2", stem=stem) for stem in (4, 8)]
    assert write_pack(tmp_path / "pack", GRAPH, ((each, model_bytes()) for each in architectures)) == 2
    command = [
        sys.executable,
        "-I",
        "-c",
        "import runpy, sys; sys.path.insert(0, sys.argv[1]); sys.argv = ['measure.py',",
    ]
    command[-1] += " 'a telephone']; runpy.run_path(PATH, run_name='__main__')".replace(
        "PATH", repr(str(tmp_path / "pack/measure.py"))
    )
    for expected in (["1 of 2", "2 of 2"], []):  # what is measured is not measured again
        printed = subprocess.run([*command, str(tmp_path / "pack")], check=True, capture_output=True, text=True).stdout
        assert [line.partition(":")[0] for line in printed.splitlines()] == expected
    records = read_measurements(tmp_path / "pack/measured.csv")
    assert {each.architecture for each in records} == set(architectures)
    assert {(each.device_name, each.image_shape, each.classes) for each in records} == {("a telephone", (3, 4, 5), 10)}
    assert all(each.latency_ms > 0 and each.activation_kib > 0 for each in records)


def test_a_table_of_something_else_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="measurements.*but must be a file of the folder"):
        read_measurements(tmp_path / "measured.csv")
    write_pack(tmp_path, GRAPH, [])
    with (tmp_path / "measured.csv").open("w") as file:
        csv.writer(file).writerows([["model", "time"], ["x", 1]])
    with pytest.raises(InvalidValueError, match=r"columns of .* but must be model, device_name"):
        read_measurements(tmp_path / "measured.csv")


def test_the_processor_has_a_name():
    assert latency.device_name()
    assert onnx.checker.check_model(model_bytes()) is None
