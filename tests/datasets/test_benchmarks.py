from fractions import Fraction

import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError

from mf_nas_kd.benchmarks.study import study_table
from mf_nas_kd.datasets import NASBench201Dataset, PublishedBenchmarkDataset, StudyBenchmarkDataset
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.records import Fidelity
from mf_nas_kd.records.tables import candidate_table
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.plan import plan_table, requests_of
from tests.fakes import FakeEvaluator
from tests.published import write


@pytest.fixture
def study(tmp_path, architectures):
    """A plan, its candidates and a store, as the evaluation pipeline leaves them."""
    fake, url = FakeEvaluator(), f"sqlite:///{tmp_path}/evaluations.db"
    low, full = Fidelity(Fraction(1, 3), epochs=6), Fidelity(Fraction(1), epochs=5)
    plan, candidates = (
        plan_table(architectures, [low], full, 0, fake),
        candidate_table(architectures, CostCounter(10, (1, 8, 8))),
    )
    for request in requests_of(plan):
        EvaluationStore(url).append(fake.evaluate(request.architecture, request.fidelity, request.seed))
    plan.to_parquet(tmp_path / "plan.parquet")
    candidates.to_parquet(tmp_path / "candidates.parquet")
    return {"plan": f"{tmp_path}/plan.parquet", "candidates": f"{tmp_path}/candidates.parquet", "url": url}


def test_the_published_benchmark_in_a_catalog(tmp_path):
    folder = write(tmp_path)
    entry = {"type": "mf_nas_kd.datasets.PublishedBenchmarkDataset", "folder": folder, "metadata": {"kedro-viz": {}}}
    tables = DataCatalog.from_config({"tables": entry}).load("tables")
    assert [table.space for table in tables] == ["mobilenet_v2", "shufflenet_v2"]


def test_a_study_in_a_catalog(study):
    entry = {"type": "mf_nas_kd.datasets.StudyBenchmarkDataset", **study}
    (table,) = DataCatalog.from_config({"tables": entry}).load("tables")
    expected = study_table(
        pd.read_parquet(study["plan"]), EvaluationStore(study["url"]).table(), pd.read_parquet(study["candidates"])
    )
    assert table.evaluations.equals(expected.evaluations)
    assert table.candidates.equals(expected.candidates)


def test_nas_bench_201_in_a_catalog(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere\.csv is not there"):
        NASBench201Dataset(filepath=f"{tmp_path}/nowhere.csv").load()


@pytest.mark.parametrize("folder", [None, ""])
def test_a_folder_that_nobody_gave_is_asked_for(folder):
    with pytest.raises(DatasetError, match="give --params=published_dir=DIR"):
        PublishedBenchmarkDataset(folder=folder).load()


def test_a_wrong_folder_is_one_error(tmp_path):
    with pytest.raises(DatasetError, match=rf"{tmp_path}/benchmark\.pickle is not there"):
        PublishedBenchmarkDataset(folder=str(tmp_path)).load()


@pytest.mark.parametrize("missing", ["plan", "candidates"])
def test_a_study_that_is_not_there_is_asked_for(study, missing, tmp_path):
    study[missing] = f"{tmp_path}/nowhere.parquet"
    with pytest.raises(
        DatasetError, match=r"nowhere\.parquet is not there: run the evaluation pipeline first: kedro run"
    ):
        StudyBenchmarkDataset(**study).load()


def test_a_study_that_was_only_planned_is_one_error(study, tmp_path):
    study["url"] = f"sqlite:///{tmp_path}/empty.db"
    with pytest.raises(
        DatasetError, match="none of the 6 candidates has a finished high-fidelity evaluation in the store"
    ):
        StudyBenchmarkDataset(**study).load()


def test_a_benchmark_is_only_read_and_passwords_are_not_shown(tmp_path):
    datasets = [
        PublishedBenchmarkDataset(folder="ftp://me:secret@host/folder"),
        NASBench201Dataset(filepath="ftp://me:secret@host/file.csv"),
        StudyBenchmarkDataset(plan="plan", candidates="candidates", url="postgresql://me:secret@host/studies"),
    ]
    for dataset in datasets:
        assert "***" in str(dataset._describe())
        assert "secret" not in str(dataset._describe())
        assert "secret" not in str(dataset)
        with pytest.raises(DatasetError, match="a benchmark is only read"):
            dataset.save(())
