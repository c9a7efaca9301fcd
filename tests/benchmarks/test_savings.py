"""Savings on a study: the same searches as in the benchmark, with and without low fidelities."""

import numpy as np
import pytest

from mf_nas_kd.benchmarks.parameters import BenchmarkParameters
from mf_nas_kd.benchmarks.savings import SAVINGS_COLUMNS, measure_savings
from mf_nas_kd.benchmarks.searches import replayed_searches
from mf_nas_kd.search import StrategySettings
from tests.search.tables import table

ACCURACIES = tuple(np.round(0.5 + 0.3 * np.random.default_rng(1).random(14), 4))
STRATEGIES = StrategySettings.model_validate(
    {
        "random": {},
        "proxy_order": {"proxy": "macs"},
        "two_stage": {
            "low_fidelity_evaluations": 4,
            "initial_evaluations": 2,
            "promoted": 1,
            "exploration": 0.5,
            "zero_cost_proxies": False,
        },
    }
)
ENTRIES = {
    "ours": {"strategy": "two_stage", "low": None},
    "ours_high_only": {"strategy": "two_stage", "low": "none"},
    "macs_order": {"strategy": "proxy_order", "low": "none"},
    "params_order": {"strategy": "proxy_order", "low": "none", "options": {"proxy": "params"}},
    "random": {"strategy": "random", "low": "none"},
}
NAMES = {
    "with_low_fidelities": "ours",
    "without_low_fidelities": "ours_high_only",
    "zero_cost_orders": ("macs_order", "params_order"),
}

FRONT = {"cost": "macs", "budget_factor": 2}


def parameters(entries=ENTRIES, **changes):
    fields = {"seeds": 5, "target_accuracy_points": 0.5, "tasks": {"all": 1.0, "half": 0.5, "few": 0.1}, "workers": 1}
    nothing = {"budget_seconds": None, "budget_evaluations": None}
    return BenchmarkParameters.model_validate(
        {
            **fields,
            **nothing,
            "front": FRONT,
            "savings": NAMES,
            "strategies": entries,
            "run_baselines": "none",
            "baselines": {},
            **changes,
        }
    )


def test_a_row_has_the_means_over_seeds_of_both_searches_and_their_paired_difference():
    found = measure_savings(table(ACCURACIES), parameters(), STRATEGIES, 0.95)
    assert tuple(found) == SAVINGS_COLUMNS
    assert found["task"].tolist() == ["all", "half"]
    assert found["candidates"].tolist() == [14, 7]
    searches, _ = replayed_searches([table(ACCURACIES)], parameters(), STRATEGIES)
    costs = searches.set_index(["task", "strategy", "seed"])
    for row in found.itertuples():
        for goal in ("target", "best"):
            ours, plain = (
                costs.loc[(row.task, name)][f"cost_to_{goal}_seconds"] for name in ("ours", "ours_high_only")
            )
            assert getattr(row, f"cost_to_{goal}_seconds_with") == ours.mean()
            assert getattr(row, f"cost_to_{goal}_seconds_without") == plain.mean()
            assert getattr(row, f"saved_to_{goal}_seconds") == pytest.approx((plain - ours).mean())
            assert getattr(row, f"saved_to_{goal}_seconds_standard_error") == pytest.approx((plain - ours).sem())
        assert row.low_fidelity_evaluations_with > 0 == row.low_fidelity_evaluations_without


def test_the_better_zero_cost_order_stands_beside_them():
    """MACs and parameters order these candidates equally, and the last is the best: the first evaluation finds it."""
    found = measure_savings(table((0.5, 0.6, 0.7, 0.8)), parameters(), STRATEGIES, 0.95).iloc[0]
    assert found["zero_cost"] == "macs_order"
    assert found["cost_to_target_seconds_zero_cost"] == 40
    without = {**ENTRIES, "macs_order": None}
    assert (
        measure_savings(table((0.5, 0.6, 0.7, 0.8)), parameters(without), STRATEGIES, 0.95)["zero_cost"][0]
        == "params_order"
    )


def test_a_goal_that_was_missed_has_no_number():
    found = measure_savings(table(ACCURACIES), parameters(budget_evaluations=1), STRATEGIES, 0.95)
    assert found["saved_to_best_seconds"].isna().all()


@pytest.mark.parametrize("name", ["ours", "ours_high_only"])
def test_where_an_entry_is_left_out_nothing_is_measured_which_is_said(name, caplog):
    found = measure_savings(table(ACCURACIES), parameters({**ENTRIES, name: None}), STRATEGIES, 0.95)
    assert found.empty
    assert tuple(found) == SAVINGS_COLUMNS
    assert f"benchmark.strategies leaves out {name}" in caplog.text


def test_too_few_candidates_are_no_error():
    assert measure_savings(table((0.5, 0.6)), parameters(), STRATEGIES, 0.95).empty
