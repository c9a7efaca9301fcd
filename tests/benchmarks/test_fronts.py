"""Replayed searches for a front, on a table whose every number is known."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd.benchmarks import fronts
from mf_nas_kd.benchmarks.entries import Entry, FrontParameters, front_runs
from mf_nas_kd.benchmarks.fronts import FrontRun, TrueFront, with_front
from mf_nas_kd.benchmarks.replay import replay_tasks
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.figures import front_summary_text, hypervolume_against_cost
from mf_nas_kd.registry import NoOptions
from mf_nas_kd.search import Budget
from mf_nas_kd.search.budget import UNLIMITED
from mf_nas_kd.statistics import front_summary
from tests.benchmarks.test_replay import ACCURACIES, Scripted
from tests.search.tables import FULL, KD, table

LABEL = {"dataset": "hand", "space": "mobilenet_v2", "task": "all", "strategy": "told"}
REFERENCE = math.log(600) + 0.1 * math.log(6)
"""MACs are 100, 200, ... 600; the front has those with 100, 200 and 400, whose trainings cost 10, 20 and 40 s."""


def front_task():
    return with_front(replay_tasks(table(ACCURACIES), {"all": 1.0})["all"], table(ACCURACIES), "macs")


def area(*members):
    """Above 0.58 (0.02 below the worst), of (MACs, accuracy) by rising cost."""
    ends = [*(math.log(macs) for macs, _ in members[1:]), REFERENCE]
    return sum((end - math.log(macs)) * (score - 0.58) for (macs, score), end in zip(members, ends, strict=True))


def played(monkeypatch, *script, budget=UNLIMITED):
    monkeypatch.setattr(fronts, "build_strategy", lambda name, problem, options: Scripted(problem, *script))
    return FrontRun(LABEL, front_task(), "told", NoOptions(), budget).replay(0)


def test_the_true_front_by_hand():
    front = TrueFront.of(front_task())
    assert front.hypervolume == pytest.approx(area((100, 0.6), (200, 0.7), (400, 0.8)))
    assert front.seconds == 70
    assert (front.reference.log_cost, front.reference.score) == pytest.approx((REFERENCE, 0.58))


def test_a_search_by_hand(monkeypatch):
    """The third is dominated, low-fidelity evaluations count as cost only, and the whole front ends the search."""
    script = [(3, FULL), (2, KD), (0, FULL), (2, FULL), (1, FULL), (4, FULL)]
    found = played(monkeypatch, *script, budget=Budget(140, 100))
    whole = area((100, 0.6), (200, 0.7), (400, 0.8))
    expected = [
        (40, area((400, 0.8)) / whole),
        (51, area((100, 0.6), (400, 0.8)) / whole),
        (81, area((100, 0.6), (300, 0.65), (400, 0.8)) / whole),
        (101, 1.0),
    ]
    np.testing.assert_allclose(found.trace, expected)
    assert found.hypervolume_half == pytest.approx(expected[1][1]), "51 s are within 70 s, 81 s are not"
    assert found.hypervolume_end == pytest.approx(1)
    assert found.cost_to_front_seconds == found.spent_seconds == 101
    assert (found.high_fidelity_evaluations, found.low_fidelity_evaluations) == (4, 1)


def test_a_search_that_finds_nothing_has_nothing(monkeypatch):
    found = played(monkeypatch, (0, KD))
    assert (found.hypervolume_half, found.hypervolume_end, found.trace) == (0, 0, ())
    assert math.isnan(found.cost_to_front_seconds)


def runs(budget=UNLIMITED, cost="macs", **entry):
    entries = {"r": Entry(strategy="random", low="none", objective="front", **entry)}
    front = FrontParameters(cost=cost, budget_factor=2)
    return front_runs(table(ACCURACIES), entries, {"r": NoOptions()}, {"all": 1.0, "few": 0.1}, budget, front)


def test_the_budget_follows_from_the_true_front_or_is_given():
    (run,) = runs()
    assert run.budget == Budget(140, UNLIMITED.evaluations)
    assert runs(Budget(55, 7))[0].budget == Budget(55, 7)
    assert run.label == {**LABEL, "strategy": "r"}


def test_a_cost_that_the_table_does_not_have_is_refused():
    with pytest.raises(InvalidValueError, match="benchmark.front.cost is 'latency_ms'.*which has macs or params"):
        runs(cost="latency_ms")
    by_params = runs(cost="params")[0].task.problem.objective
    assert by_params.values == {c.id: c.costs.params for c in front_task().problem.candidates}


def test_a_strategy_without_fronts_is_refused():
    with pytest.raises(ValueError, match="objective is front, but hf_gp searches for accuracy only"):
        Entry(strategy="hf_gp", low="none", objective="front")


def searched(**halves):
    columns = {"dataset": "d", "space": "s", "task": "all"}
    return pd.DataFrame(
        [
            {**columns, "strategy": name, "seed": seed, "hypervolume_half": value}
            for name, values in halves.items()
            for seed, value in enumerate(values)
        ]
    )


def test_the_summary_compares_with_the_best_other_over_the_same_seeds():
    summary = front_summary(searched(ours=(0.9, 0.8), good=(0.8, 0.8), bad=(0.1, 0.9))).set_index("strategy")
    assert summary.loc["ours", ["hypervolume_half", "above_best_other"]].tolist() == pytest.approx([0.85, 0.05])
    assert summary.loc["ours", "above_best_other_standard_error"] == pytest.approx(0.05)
    assert summary.loc["good", "above_best_other"] == pytest.approx(-0.05)
    assert "0.8500 ± 0.0500" in front_summary_text(summary.reset_index())
    assert math.isnan(front_summary(searched(alone=(0.5,)))["above_best_other"].iloc[0])


def test_pictures_with_and_without_searches(monkeypatch):
    trace = played(monkeypatch, (3, FULL), (0, FULL)).trace
    rows = [{**LABEL, "seed": 0, "cumulative_cost_seconds": cost, "hypervolume": share} for cost, share in trace]
    (axis,) = hypervolume_against_cost(pd.DataFrame(rows)).axes
    assert [line.get_ydata()[-1] for line in axis.lines] == pytest.approx([trace[-1][1]])
    assert "no strategy" in hypervolume_against_cost(pd.DataFrame(columns=list(rows[0]))).axes[0].get_title()


def test_evaluations_with_a_missing_score_are_no_points(monkeypatch):
    the_task = front_task()
    name = the_task.problem.candidates[0].id
    failed = replace(the_task.results[FULL][name], score=None)
    results = {**the_task.results, FULL: {**the_task.results[FULL], name: failed}}
    assert TrueFront.of(replace(the_task, results=results)).seconds == 60
