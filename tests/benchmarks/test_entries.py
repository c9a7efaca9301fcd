"""Entries of a benchmark become runs: one for each task that is large enough."""

from dataclasses import replace

import pytest

from mf_nas_kd.benchmarks.entries import Entry, benchmark_runs
from mf_nas_kd.benchmarks.parameters import BenchmarkParameters
from mf_nas_kd.registry import NoOptions
from mf_nas_kd.search import STRATEGIES
from mf_nas_kd.search.budget import UNLIMITED
from tests.search.tables import FULL, KD, PLAIN, table

TABLE = table((0.6, 0.7, 0.65, 0.8))


def entry(low):
    return Entry.model_validate({"strategy": "random", "low": low})


@pytest.mark.parametrize(
    ("low", "expected"),
    [
        ("none", ()),
        (None, (KD, PLAIN)),
        ({"distillation": "kd"}, (KD,)),
        ({"train_fraction": "1/9", "distillation": "none"}, (PLAIN,)),
        ({"distillation": "nst"}, (KD,)),  # the cheapest one instead
    ],
)
def test_an_entry_uses_the_low_fidelities_that_it_allows(low, expected):
    assert entry(low).low_fidelities(TABLE) == expected


def test_a_table_without_low_fidelities_has_none_to_use():
    assert entry({"distillation": "kd"}).low_fidelities(table((0.6, 0.7), low=())) == ()


def test_every_entry_runs_on_every_task_that_is_large_enough(caplog):
    entries = {"plain": entry({"distillation": "none"}), "replaced": entry({"distillation": "nst"})}
    options = dict.fromkeys(entries, NoOptions())
    runs = benchmark_runs(TABLE, entries, options, {"all": 1.0, "half": 0.5}, UNLIMITED, 0.5)
    assert [(run.label["task"], run.label["strategy"]) for run in runs] == [("all", "plain"), ("all", "replaced")]
    assert [run.task.problem.low for run in runs] == [(PLAIN,), (KD,)]
    assert {run.task.problem.full for run in runs} == {FULL}
    messages = [record.getMessage() for record in caplog.records]
    assert any("task half: left out, because it has only 2 candidates" in message for message in messages)
    assert sum("none of the low fidelities of replaced" in message for message in messages) == 1
    assert not any("of plain" in message for message in messages)


@pytest.mark.parametrize(
    ("run", "expected"), [("none", ["plain"]), ("installed", ["plain", "known"]), ("all", ["plain", "known", "other"])]
)
def test_baselines_take_part_where_they_are_wanted_and_can(run, expected, monkeypatch):
    monkeypatch.setattr(STRATEGIES["optuna_tpe"], "is_installed", classmethod(lambda cls: True))
    monkeypatch.setattr(STRATEGIES["smac"], "is_installed", classmethod(lambda cls: False))
    fields = {
        "seeds": 1,
        "target_accuracy_points": 0.5,
        "tasks": {},
        "budget_seconds": None,
        "budget_evaluations": None,
        "workers": 1,
        "front": {"cost": "macs", "budget_factor": 2},
        "savings": {"with_low_fidelities": "a", "without_low_fidelities": "b", "zero_cost_orders": []},
        "strategies": {"plain": entry("none")},
        "baselines": {
            "known": Entry(strategy="optuna_tpe", low="none"),
            "other": Entry(strategy="smac", low="none"),
            "left_out": None,
        },
    }
    assert list(BenchmarkParameters.model_validate({**fields, "run_baselines": run}).entries) == expected


def test_entries_about_continuation_need_a_table_whose_trainings_can_be_continued():
    entries = {
        "any": entry(None),
        "continued": Entry(strategy="random", low=None, continuation=True),
        "scratch": Entry(strategy="random", low=None, continuation=False),
    }

    def runs(of):
        found = benchmark_runs(of, entries, dict.fromkeys(entries, NoOptions()), {"all": 1.0}, UNLIMITED, 0.5)
        return {run.label["strategy"]: run.task.problem.continuation for run in found}

    assert runs(TABLE) == {"any": False}
    pausable = replace(TABLE, evaluations=TABLE.evaluations.assign(pause_seconds=1.0))
    assert runs(pausable) == {"any": True, "continued": True, "scratch": False}
