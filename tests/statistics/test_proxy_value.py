"""What zero-cost proxies add to MACs and parameters."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, kendalltau, spearmanr

from mf_nas_kd.statistics import AddedValueSettings, CorrelationSettings, correlation_table
from mf_nas_kd.statistics.proxies import further_proxies, scored_proxies
from mf_nas_kd.statistics.proxy_value import PROXY_TABLE_COLUMNS, accepted_proxies, proxy_table

ADDED = AddedValueSettings(permutations=199, level=0.05, power=0.8)
SETTINGS = CorrelationSettings(resamples=20, level=0.95, seed=0, added_value=ADDED)


def candidates(n=40, seed=0, told=0.0):
    """Scores depend on MACs and on what only one proxy knows."""
    rng = np.random.default_rng(seed)
    macs, unseen = np.exp(rng.normal(5, 1, n)), rng.normal(size=n)
    proxies = {"naswot": np.log(macs) + rng.normal(size=n), "zico": rng.normal(size=n), "synflow": np.exp(unseen)}
    return pd.DataFrame(
        {
            "architecture_id": [f"{i}" for i in range(n)],
            "space": "example",
            "architecture": "{}",
            "dataset": "digits",
            "macs": macs.astype(int) + 10,
            "params": np.exp(rng.normal(3, 0.5, n)).astype(int) + 5,
            **proxies,
            "naswot_seconds": np.linspace(0, 1, n),
            "test_score": np.log(macs) + told * unseen + rng.normal(0, 0.5, n),
        }
    )


def test_the_table_has_every_proxy_with_its_agreement_and_its_seconds():
    table = candidates(told=1.0)
    found = proxy_table(table, SETTINGS).set_index("proxy")
    assert [found.index.name, *found.columns] == list(PROXY_TABLE_COLUMNS)
    assert found.index.tolist() == ["macs", "params", "naswot", "synflow", "zico"]
    for name in found.index:
        assert found.loc[name, "kendall"] == pytest.approx(kendalltau(table[name], table["test_score"])[0])
        assert found.loc[name, "spearman"] == pytest.approx(spearmanr(table[name], table["test_score"])[0])
        assert found.loc[name, "kendall_low"] < found.loc[name, "kendall"] < found.loc[name, "kendall_high"]
    assert found["seconds"].tolist() == [0, 0, 0.5, 0, 0]
    assert found.loc[["macs", "params"], "added_p"].isna().all()


def test_what_adds_to_macs_and_parameters_is_accepted_and_nothing_else():
    table = candidates(told=1.0)
    assert accepted_proxies(table, table["test_score"].to_numpy(), SETTINGS) == ("synflow",)
    assert proxy_table(table, SETTINGS).set_index("proxy")["accepted"].to_dict() == {
        "macs": False, "params": False, "naswot": False, "zico": False, "synflow": True
    }  # fmt: skip


def test_where_nothing_is_added_any_proxy_is_rarely_accepted():
    """With a rate of 5 % over all proxies together, one run in 1,000 has more."""
    sets = 100
    studies = [candidates(24, seed) for seed in range(sets)]
    claims = sum(bool(accepted_proxies(each, each["test_score"].to_numpy(), SETTINGS)) for each in studies)
    assert claims <= binom.ppf(0.999, sets, ADDED.level)


def test_only_ranks_count_and_what_is_missing_or_without_signal_ranks_lowest():
    table = candidates(told=1.0)
    worst = table["synflow"].idxmin()
    other = table.assign(synflow=np.log(table["synflow"]).where(table.index != worst, -np.inf))
    missing = other.assign(synflow=other["synflow"].where(table.index != worst, np.nan))
    expected = proxy_table(table, SETTINGS)
    for same in (other, missing):
        pd.testing.assert_frame_equal(proxy_table(same, SETTINGS), expected)
    assert further_proxies(missing)["synflow"][worst] == -np.inf
    assert np.isfinite(scored_proxies(missing)["synflow"]).all()


def test_few_candidates_accept_nothing_and_a_study_without_proxies_tests_nothing():
    few = candidates(5, told=5.0)
    assert accepted_proxies(few, few["test_score"].to_numpy(), SETTINGS) == ()
    without = few.drop(columns=["naswot", "zico", "synflow"])
    assert proxy_table(without, SETTINGS)["proxy"].tolist() == ["macs", "params"]
    assert accepted_proxies(without, without["test_score"].to_numpy(), SETTINGS) == ()


def test_low_fidelities_have_to_add_to_accepted_proxies():
    """A low fidelity that says what an accepted proxy says, and no more, is not believed."""
    full = candidates(60, told=1.0).assign(cost_seconds=10.0, train_fraction=1.0, epochs=9, width=1.0)
    full["distillation"], rng = "none", np.random.default_rng(1)
    low = full.assign(role="low", epochs=1, cost_seconds=1.0)
    low["val_score"] = np.log(full["synflow"]) + np.log(full["macs"]) + rng.normal(0, 0.3, len(full))

    def p_of(accepted):
        table = correlation_table(low, full, SETTINGS, accepted=accepted)
        assert ("proxy:synflow" in set(table["distillation"])) == bool(accepted)
        return table.loc[table["role"] == "low", "added_p"].iloc[0]

    assert p_of(()) <= ADDED.level < p_of(("synflow",))
