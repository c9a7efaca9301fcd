"""Plain against distilled: pairs differ in nothing else, candidates are resampled together."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, kendalltau

from mf_nas_kd.records import Fidelity
from mf_nas_kd.statistics import BootstrapSettings, distillation_comparison
from mf_nas_kd.statistics.distillation import COMPARISON_COLUMNS

SETTINGS = BootstrapSettings(resamples=200, level=0.95, seed=0)


def high(values):
    return pd.DataFrame({"architecture_id": [f"a{i}" for i in range(len(values))], "test_score": values})


def low(values, distillation="none", width=1.0, epochs=2):
    fidelity = Fidelity(1, epochs, width, distillation).to_row()
    return pd.DataFrame([{**fidelity, "architecture_id": f"a{i}", "val_score": v} for i, v in enumerate(values)])


def test_taus_are_those_of_candidates_that_have_both():
    rng = np.random.default_rng(0)
    target, plain, kd = rng.normal(size=(3, 30)).round(1)
    found = distillation_comparison(pd.concat([low(plain)[:25], low(kd, "kd")[2:]]), high(target), SETTINGS)
    assert list(found) == list(COMPARISON_COLUMNS)
    row, common = found.iloc[0], slice(2, 25)
    assert (row["distillation"], row["n"]) == ("kd", 23)
    assert row["plain"] == pytest.approx(kendalltau(plain[common], target[common]).statistic)
    assert row["distilled"] == pytest.approx(kendalltau(kd[common], target[common]).statistic)
    assert row["difference"] == pytest.approx(row["distilled"] - row["plain"])
    assert row["difference_low"] < row["difference"] < row["difference_high"]


def test_only_fidelities_that_differ_in_nothing_else_are_compared():
    values = np.arange(10.0)
    tables = [low(values), low(values, width=0.5), low(values, "kd", width=0.5), low(values, "kd", epochs=3)]
    found = distillation_comparison(pd.concat(tables), high(values), SETTINGS)
    assert found[["width", "epochs"]].values.tolist() == [[0.5, 2]]
    assert distillation_comparison(tables[3], high(values), SETTINGS).empty


def test_a_clear_difference_is_found_and_few_candidates_have_no_interval():
    rng = np.random.default_rng(0)
    target = rng.normal(size=40)
    table = pd.concat([low(rng.normal(size=40)), low(target + 0.2 * rng.normal(size=40), "kd")])
    found = distillation_comparison(table, high(target), SETTINGS).iloc[0]
    assert found["difference_low"] > 0
    assert found["p_value"] == 1 / 201
    few = distillation_comparison(table, high(target[:4]), SETTINGS).iloc[0]
    assert np.isfinite(few["difference"])
    assert few[["difference_low", "difference_high", "p_value"]].isna().all()


def test_what_is_resampled_together_has_a_certain_difference():
    """Both have the same ranking of the candidates: their difference is zero in every resample."""
    target, values = np.random.default_rng(0).normal(size=(2, 20))
    row = distillation_comparison(pd.concat([low(values), low(2 * values, "kd")]), high(target), SETTINGS).iloc[0]
    assert row["difference"] == 0
    assert np.isnan(row["p_value"])


def test_equal_rankings_are_rarely_said_to_differ():
    """Twelve comparisons of equally good fidelities: with a rate of 5 %, one run in 1,000 has more."""
    rng, claims = np.random.default_rng(0), 0
    for _ in range(100):
        target = rng.normal(size=24)
        tables = [
            low(target + rng.normal(size=24), name, epochs=epochs)
            for epochs in (1, 2, 3)
            for name in ("none", "kd", "a", "b", "c")
        ]
        found = distillation_comparison(pd.concat(tables), high(target), SETTINGS)
        assert len(found) == 12
        claims += (found["p_value"] <= 0.05).any()
    assert claims <= binom.ppf(0.999, 100, 0.05)
