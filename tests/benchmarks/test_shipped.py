"""The study that ships with the project."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from mf_nas_kd.benchmarks.replay import replay, replay_tasks
from mf_nas_kd.benchmarks.shipped import SHIPPED, read_shipped, shipped_rows
from mf_nas_kd.datasets import StudyBenchmarkDataset
from mf_nas_kd.records import LearningCurve
from mf_nas_kd.records.proxies import proxy_columns
from mf_nas_kd.search import build_strategy
from mf_nas_kd.search.budget import UNLIMITED


@pytest.fixture(scope="module")
def table():
    return read_shipped()


def test_it_is_small_and_complete(table):
    file = resources.files("mf_nas_kd.benchmarks").joinpath("data", SHIPPED)
    assert len(file.read_bytes()) <= 2 * 2**20
    assert len(table.candidates) >= 36
    assert len({(each.train_fraction, each.image_size) for each in table.low}) >= 5
    assert {each.distillation for each in table.low} >= {"none", "kd", "kd_standardised"}
    assert len({each.distillation for each in table.low}) >= 4
    for fidelity in (table.searched, *table.low):
        assert table.at(fidelity)["architecture_id"].nunique() == len(table.candidates)
    assert len(proxy_columns(table.candidates)) >= 6


def test_its_trainings_at_the_target_fidelity_have_two_seeds_and_a_curve():
    rows = shipped_rows()
    by_role = rows.groupby("role")["architecture_id"].nunique()
    assert by_role["repeat"] == by_role["full"]
    for row in rows[rows["role"] == "full"].itertuples():
        curve = LearningCurve.decode(row.learning_curve)
        assert len(curve.losses) == row.epochs
        assert curve.val_accuracies[row.epochs] == pytest.approx(row.val_accuracy)
        assert 0 < row.pause_seconds < row.cost_seconds


def test_a_replayed_search_is_charged_what_a_continuation_costs(table):
    (task,) = replay_tasks(table, {"all": 1.0}).values()
    pauses = tuple(each for each in task.problem.low if table.searched.continues(each))
    assert len(pauses) >= 2
    spent = []
    for each in (task.with_low(pauses), task.with_low(pauses).without_continuation()):
        strategy = build_strategy("successive_halving", each.problem, {"initial_candidates": 9, "reduction_factor": 3})
        outcomes = [replay(each, strategy, UNLIMITED, seed, 0.5) for seed in range(3)]
        spent.append(np.mean([outcome.spent_seconds for outcome in outcomes]))
    assert spent[0] < spent[1]


def test_the_benchmark_shows_it_before_anything_was_run(tmp_path, table):
    missing = {"plan": str(tmp_path / "plan"), "candidates": str(tmp_path / "candidates"), "url": "sqlite://"}
    (shown,) = StudyBenchmarkDataset(**missing, shipped=True).load()
    assert shown.name == table.name
