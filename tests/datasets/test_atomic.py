"""What is saved is saved whole, and what is loaded is what was saved."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
import torch
from kedro.io import DatasetError, Version
from matplotlib.figure import Figure
from safetensors import safe_open
from safetensors.torch import save_file

from mf_nas_kd.datasets import (
    AtomicCSVDataset,
    AtomicJSONDataset,
    AtomicMatplotlibDataset,
    AtomicParquetDataset,
    AtomicTextDataset,
    BinaryDataset,
    EvaluationStoreDataset,
    EvaluationTableDataset,
    ImagesDataset,
    NetworkDataset,
    PlannedEvaluationsDataset,
)
from mf_nas_kd.images import load_images
from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.tables import records_of, table_of
from tests.fakes import FakeEvaluator

TABLE = pd.DataFrame({"a": [1, 2], "b": [0.1, np.nan], "c": ["x", "y"]})
KINDS = {
    "csv": (AtomicCSVDataset, {"save_args": {"index": False}}, TABLE),
    "parquet": (AtomicParquetDataset, {}, TABLE),
    "json": (AtomicJSONDataset, {}, {"a": [1, None]}),
    "text": (AtomicTextDataset, {}, "<html>ü</html>"),
    "binary": (BinaryDataset, {}, b"\x00\xff"),
}

OTHER = {"csv": TABLE.head(1), "parquet": TABLE.head(1), "json": {"a": [2]}, "text": "other", "binary": b"other"}


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


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_loads_its_own_version_although_another_run_saved_a_newer_one(kind, tmp_path):
    versions = (Version(None, "2026-01-01"), Version(None, "2026-01-02"), Version(None, None))
    mine, others, later = (dataset_of(kind, tmp_path / "entry", version)[0] for version in versions)
    data, other = KINDS[kind][2], OTHER[kind]
    mine.save(data)
    others.save(other)
    mine.release()  # as Kedro does between nodes
    assert same(mine.load(), data)
    assert same(others.load(), other)
    assert same(later.load(), other), "a later run reads the newest"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_versions_that_another_run_has_changed_meanwhile_is_an_error(kind, tmp_path):
    mine, others = (dataset_of(kind, tmp_path / "entry")[0] for _ in range(2))
    data, other = KINDS[kind][2], OTHER[kind]
    mine.save(data)
    others.save(data)
    assert same(mine.load(), data), "the same parameters give the same file"
    others.save(other)
    with pytest.raises(DatasetError, match="was saved by another run meanwhile, with other parameters: .*data_dir"):
        mine.load()


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_is_named_with_what_to_run(kind, tmp_path):
    dataset, _ = dataset_of(kind, tmp_path / f"file.{kind}")
    with pytest.raises(DatasetError, match=rf"file\.{kind} is not there: run the pipeline that saves it"):
        dataset.load()


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


def test_a_network_comes_back_as_the_value_it_was(tmp_path, teacher):
    dataset = NetworkDataset(filepath=str(tmp_path / "t.safetensors"))
    dataset.save(teacher)
    assert dataset.load().fingerprint == teacher.fingerprint


@pytest.fixture
def stored_digits(tmp_path):
    images = load_images("digits", 0.25, 0.25, 0, folder=tmp_path)
    ImagesDataset(filepath=str(tmp_path / "images.safetensors")).save(images)
    return ImagesDataset(filepath=str(tmp_path / "images.safetensors"))  # as a later run has it


def test_images_come_back_as_the_value_they_were(stored_digits, digits, tmp_path):
    again = stored_digits.load()
    assert again.fingerprint == digits.fingerprint
    assert again.pixel_statistics == digits.pixel_statistics
    assert again.class_names == digits.class_names
    for split in ("train", "validation", "test"):
        assert torch.equal(getattr(again, split).images, getattr(digits, split).images)
        assert torch.equal(getattr(again, split).labels, getattr(digits, split).labels)


def test_a_study_can_be_moved(stored_digits, digits, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for file in [*tmp_path.glob("*.npy"), *tmp_path.glob("*.safetensors")]:
        file.rename(tmp_path / "elsewhere" / file.name)
    moved = ImagesDataset(filepath=str(tmp_path / "elsewhere" / "images.safetensors")).load()
    assert torch.equal(moved.test.images, digits.test.images)


def test_images_without_their_pixels_ask_for_the_data_pipeline(stored_digits, tmp_path):
    for file in tmp_path.glob("*.npy"):
        file.unlink()
    with pytest.raises(DatasetError, match=r"pixels-.*npy is not there: run the data pipeline"):
        stored_digits.load()


def rewritten(path, change):
    """Change the tensors and the header of a file of images."""
    with safe_open(path, framework="pt") as file:
        tensors, header = {name: file.get_tensor(name) for name in list(file.keys())}, file.metadata()
    header = change(tensors, header) or header
    save_file(tensors, path, metadata=None if header == "none" else header)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, header: "none",
        lambda tensors, header: {**header, "pixel_statistics": "[" * 100_000 + "]" * 100_000},
        lambda tensors, header: {**header, "pixels": "3"},
        lambda tensors, header: tensors.__delitem__("test"),
        lambda tensors, header: tensors.update(train=tensors["train"] + 1_000_000),
        lambda tensors, header: tensors.update(labels=tensors["labels"][:-1].clone()),
        lambda tensors, header: tensors.update(labels=tensors["labels"].float()),
    ],
    ids=["no header", "deep header", "number", "no split", "positions", "too few labels", "labels"],
)
def test_parts_of_images_that_do_not_belong_together_are_one_error(stored_digits, tmp_path, change):
    rewritten(tmp_path / "images.safetensors", change)
    with pytest.raises(DatasetError, match="is damaged, or not a file of images"):
        stored_digits.load()


@pytest.mark.parametrize("pattern", ["*.npy", "*.safetensors"])
def test_images_are_not_read_from_a_pipe(stored_digits, tmp_path, pattern):
    (path,) = tmp_path.glob(pattern)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DatasetError, match=f"{path.name} is not there: run the data pipeline"):
        stored_digits.load()


def test_images_in_memory_only_are_not_saved(tmp_path, digits):
    with pytest.raises(DatasetError, match="in memory only"):
        ImagesDataset(filepath=str(tmp_path / "images.safetensors")).save(digits)


def test_a_damaged_or_foreign_file_of_tensors_is_one_error(tmp_path, teacher):
    path = tmp_path / "t.safetensors"
    NetworkDataset(filepath=str(path)).save(teacher)
    with pytest.raises(DatasetError, match="is damaged, or not a file of images"):
        ImagesDataset(filepath=str(path)).load()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match="is damaged, or not a file of a trained network"):
        NetworkDataset(filepath=str(path)).load()


def test_saving_evaluations_adds_only_those_that_are_not_there(tmp_path, architectures, short):
    url = f"sqlite:///{tmp_path}/store.db"
    evaluations = [FakeEvaluator().evaluate(a, short, 0) for a in architectures[:3]]
    EvaluationStoreDataset(url=url).load().append(evaluations[0])
    table = EvaluationTableDataset(url=url)
    rows = table_of([*evaluations, FakeEvaluator().failure(architectures[3], short, 0, "x")], Evaluation)
    table.save(rows)
    table.save(rows)
    assert records_of(table.load(), Evaluation)[:3] == evaluations
    assert len(table.load()) == 4
    assert len(table.preview(nrows=2)["data"]) == 2


def test_the_evaluations_of_a_plan_are_those_of_the_store_without_the_others(tmp_path, architectures, short):
    url, plan = f"sqlite:///{tmp_path}/store.db", tmp_path / "plan.parquet"
    evaluations = [FakeEvaluator().evaluate(a, short, 0) for a in architectures[:3]]
    EvaluationTableDataset(url=url).save(table_of(evaluations, Evaluation))
    planned = PlannedEvaluationsDataset(url=url, plan=str(plan))
    with pytest.raises(DatasetError, match="plan.parquet is not there: run the evaluation pipeline"):
        planned.load()
    pd.DataFrame({"key": [evaluations[2].key, "not there", evaluations[0].key]}).to_parquet(plan)
    assert records_of(planned.load(), Evaluation) == [evaluations[0], evaluations[2]]
