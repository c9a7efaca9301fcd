"""Entries of a benchmark become runs: one for each task that is large enough."""

import pytest

from mf_nas_kd.benchmarks.entries import Entry, benchmark_runs
from mf_nas_kd.registry import NoOptions
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
