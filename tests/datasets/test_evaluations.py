import pytest

from mf_nas_kd.datasets import EvaluationTableDataset
from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.tables import table_of
from mf_nas_kd.store import EvaluationStore
from tests.fakes import FakeEvaluator


@pytest.fixture
def evaluations(architectures, short):
    return [FakeEvaluator().evaluate(architectures[0], short, seed) for seed in range(4)]


def test_saving_appends_what_the_store_lacks_and_makes_records_of_nothing_else(tmp_path, evaluations, monkeypatch):
    url = f"sqlite:///{tmp_path}/store.db"
    dataset, store = EvaluationTableDataset(url=url), EvaluationStore(url)
    for evaluation in evaluations[:3]:
        store.append(evaluation)
    made, from_row = [], Evaluation.from_row
    monkeypatch.setattr(Evaluation, "from_row", lambda row: made.append(row.key) or from_row(row))
    dataset.save(table_of(evaluations, Evaluation))
    assert made == [evaluations[3].key]
    dataset.save(table_of(evaluations, Evaluation))
    assert made == [evaluations[3].key]
    assert list(dataset.load()["key"]) == [evaluation.key for evaluation in evaluations]
