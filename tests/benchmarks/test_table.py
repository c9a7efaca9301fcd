from dataclasses import replace

import pandas as pd
import pytest

from mf_nas_kd.benchmarks.published import read_published
from mf_nas_kd.benchmarks.replay import replay_tasks
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.metrics import ACCURACY, BALANCED_ACCURACY, METRICS
from tests.published import write
from tests.search.tables import table as by_hand


@pytest.fixture
def table(tmp_path):
    return read_published(write(tmp_path))[0]


def test_what_every_candidate_must_have(table):
    full = table.at(table.searched)
    with pytest.raises(
        InvalidValueError, match="candidates with val_accuracy at all images, 100 epochs, none is 3, but must be all 4"
    ):
        replace(table, evaluations=table.evaluations.drop(index=full.index[0]))
    with pytest.raises(InvalidValueError, match="number of candidates is 5, but must be at least 1, all different"):
        replace(table, candidates=pd.concat([table.candidates, table.candidates.head(1)]))
    with pytest.raises(InvalidValueError, match="at one fidelity is 'more than one'"):
        replace(table, evaluations=pd.concat([table.evaluations, full.head(1)]))


def test_a_published_table_has_accuracies_only_and_another_metric_is_refused(table):
    assert table.by(ACCURACY).metric is ACCURACY
    allowed = "metric is 'balanced_accuracy', but must be accuracy, the only one that the table .* has"
    with pytest.raises(InvalidValueError, match=allowed) as refused:
        table.by(BALANCED_ACCURACY)
    assert "\n" not in str(refused.value)


def test_a_study_with_both_metrics_is_replayed_by_either():
    both = by_hand([0.1, 0.2, 0.3, 0.4])
    both = replace(both, evaluations=both.evaluations.assign(**{each.test: 0.5 for each in METRICS.values()}))
    both.evaluations[BALANCED_ACCURACY.validation] = 1 - both.evaluations["val_accuracy"]
    best = {name: replay_tasks(both.by(each), {"all": 1.0})["all"].best_accuracy for name, each in METRICS.items()}
    assert best == pytest.approx({"accuracy": 0.4, "balanced_accuracy": 0.9})
