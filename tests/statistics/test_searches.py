import numpy as np
import pandas as pd
import pytest

from mf_nas_kd.statistics import BootstrapSettings, search_summary
from mf_nas_kd.statistics.searches import ratio_to_best_other

SETTINGS = BootstrapSettings(resamples=200, level=0.95, seed=0)


def searches(**costs):
    return pd.DataFrame(
        [
            {
                "dataset": "d",
                "space": "s",
                "task": "all",
                "strategy": strategy,
                "seed": seed,
                "cost_to_target_seconds": cost,
                "cost_to_best_seconds": 2 * cost,
                "high_fidelity_evaluations": seed,
            }
            for strategy, values in costs.items()
            for seed, cost in enumerate(values)
        ]
    )


def test_means_errors_and_ratios_by_hand():
    table = search_summary(searches(slow=[20, 40, 60], fast=[10, 20, 30], middle=[30, 30, 30]), SETTINGS)
    assert table["strategy"].tolist() == ["slow", "fast", "middle"]
    fast = table.set_index("strategy").loc["fast"]
    assert fast["seeds"] == 3
    assert fast["cost_to_target_seconds"] == 20
    assert fast["cost_to_target_seconds_standard_error"] == pytest.approx(10 / np.sqrt(3))
    assert fast["cost_to_best_seconds"] == 40
    assert fast["high_fidelity_evaluations"] == 1
    assert fast["reached_target"] == 1
    ratios = table.set_index("strategy")["ratio_to_best_other"]
    assert ratios.to_dict() == {"slow": 2.0, "fast": pytest.approx(20 / 30), "middle": 1.5}
    assert fast["ratio_to_best_other_low"] < 20 / 30 < fast["ratio_to_best_other_high"]


def test_who_missed_the_target_has_no_mean_and_is_not_the_best():
    table = search_summary(searches(lucky=[1, np.nan, 1], steady=[10, 10, 10], other=[20, 20, 20]), SETTINGS)
    table = table.set_index("strategy")
    assert table["reached_target"].tolist() == [pytest.approx(2 / 3), 1, 1]
    assert np.isnan(table.loc["lucky", ["cost_to_target_seconds", "ratio_to_best_other"]].astype(float)).all()
    assert table.loc["steady", "ratio_to_best_other"] == 0.5
    assert table.loc["other", "ratio_to_best_other"] == 2


def test_a_strategy_alone_has_no_ratio():
    assert np.isnan(search_summary(searches(alone=[1, 2]), SETTINGS)["ratio_to_best_other"].item())


def test_seeds_are_drawn_for_all_strategies_together():
    """Seeds that are hard for one are hard for all: the ratio is the same in every draw."""
    own = np.array([1.0, 5.0, 20.0, 100.0])
    found = ratio_to_best_other(own, np.stack([2 * own, 3 * own]), SETTINGS)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
