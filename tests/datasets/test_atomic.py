"""What is saved is saved whole, and what is loaded is what was saved."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError, Version
from matplotlib.figure import Figure

from mf_nas_kd.datasets import (
    AtomicCSVDataset,
    AtomicJSONDataset,
    AtomicMatplotlibDataset,
    AtomicParquetDataset,
    AtomicTextDataset,
    BinaryDataset,
    EvaluationStoreDataset,
    EvaluationTableDataset,
    TensorsDataset,
)
from mf_nas_kd.evaluation.plan import evaluations_of
from tests.evaluation.fakes import FakeEvaluator

TABLE = pd.DataFrame({"a": [1, 2], "b": [0.1, np.nan], "c": ["x", "y"]})
KINDS = {
    "csv": (AtomicCSVDataset, {"save_args": {"index": False}}, TABLE),
    "parquet": (AtomicParquetDataset, {}, TABLE),
    "json": (AtomicJSONDataset, {}, {"a": [1, None]}),
    "text": (AtomicTextDataset, {}, "<html>ü</html>"),
    "binary": (BinaryDataset, {}, b"\x00\xff"),
}


def same(first, second):
    return first.equals(second) if isinstance(first, pd.DataFrame) else first == second


def dataset_of(kind, path, version=None):
    dataset, arguments, value = KINDS[kind]
    return dataset(filepath=str(path), version=version, **arguments), value


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_loaded_is_what_was_saved(kind, versioned, tmp_path):
    path = tmp_path / "deep" / f"file.{kind}"
    dataset, value = dataset_of(kind, path, Version(None, "2026-01-01T00.00.00.000Z") if versioned else None)
    assert not dataset.exists()
    dataset.save(value)
    assert same(dataset.load(), value)
    assert dataset.exists()
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [path.name]


@pytest.mark.parametrize("kind", KINDS)
def test_a_save_that_fails_leaves_what_was_there(kind, tmp_path, monkeypatch):
    path = tmp_path / f"file.{kind}"
    dataset, value = dataset_of(kind, path)
    dataset.save(value)

    def fail(_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DatasetError, match="disk full"):
        dataset.save(value)
    assert same(dataset.load(), value)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_process_killed_in_mid_save_leaves_no_newest_version(tmp_path):
    code = f"""
        import os, signal
        from kedro.io import Version
        from mf_nas_kd.datasets import AtomicTextDataset
        os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        AtomicTextDataset(filepath={str(tmp_path / "r.html")!r}, version=Version(None, "2027")).save("half")
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert killed.returncode == -signal.SIGKILL
    dataset = AtomicTextDataset(filepath=str(tmp_path / "r.html"), version=Version(None, "2026"))
    assert not dataset.exists()
    dataset.save("whole")
    assert AtomicTextDataset(filepath=str(tmp_path / "r.html"), version=Version(None, None)).load() == "whole"


def test_a_picture_is_a_whole_png(tmp_path):
    AtomicMatplotlibDataset(filepath=str(tmp_path / "p.png")).save(Figure())
    assert (tmp_path / "p.png").read_bytes().endswith(b"IEND\xaeB`\x82")


@pytest.mark.parametrize("content", ["images", "network"])
def test_tensors_come_back_as_the_value_they_were(content, tmp_path, digits, teacher):
    value = {"images": digits, "network": teacher}[content]
    dataset = TensorsDataset(filepath=str(tmp_path / "t.safetensors"), content=content)
    dataset.save(value)
    assert dataset.load().fingerprint == value.fingerprint


def test_a_damaged_or_foreign_file_of_tensors_is_one_error(tmp_path, teacher):
    path = tmp_path / "t.safetensors"
    TensorsDataset(filepath=str(path), content="network").save(teacher)
    with pytest.raises(DatasetError, match="is damaged, or not a file of ImageDataset"):
        TensorsDataset(filepath=str(path), content="images").load()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match="is damaged, or not a file of TrainedNetwork"):
        TensorsDataset(filepath=str(path), content="network").load()


def test_saving_evaluations_adds_only_those_that_are_not_there(tmp_path, architectures, short):
    url = f"sqlite:///{tmp_path}/store.db"
    evaluations = [FakeEvaluator().evaluate(a, short, 0) for a in architectures[:3]]
    EvaluationStoreDataset(url=url).load().append(evaluations[0])
    table = EvaluationTableDataset(url=url)
    rows = pd.DataFrame([e.__dict__ for e in [*evaluations, FakeEvaluator().failure(architectures[3], short, 0, "x")]])
    table.save(rows)
    table.save(rows)
    assert evaluations_of(table.load())[:3] == evaluations
    assert len(table.load()) == 4
    assert len(table.preview(nrows=2)["data"]) == 2
