import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.records import Fidelity
from mf_nas_kd.statistics import (
    AddedValueSettings,
    BootstrapSettings,
    CorrelationSettings,
    correlation_table,
    rank_agreement,
)
from mf_nas_kd.statistics.correlation import FEWEST_FOR_INTERVAL, kendall_by_counting, kendall_by_sorting, kendall_of

SETTINGS = CorrelationSettings(
    resamples=200, level=0.95, seed=0, added_value=AddedValueSettings(permutations=99, level=0.05, power=0.8)
)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    free = rng.normal(size=(40, 2))
    expensive = free @ [1.0, 0.5] + rng.normal(size=40)
    cheap = np.round(expensive + rng.normal(size=40), 1)  # with ties
    return cheap, expensive, free


def test_values_are_those_of_scipy(data):
    cheap, expensive, free = data
    found = rank_agreement(cheap, expensive, free, SETTINGS)
    assert found.n == 40
    assert found.pearson.value == pytest.approx(stats.pearsonr(cheap, expensive)[0], abs=1e-12)
    assert found.kendall.value == pytest.approx(stats.kendalltau(cheap, expensive)[0], abs=1e-12)
    assert found.spearman.value == pytest.approx(stats.spearmanr(cheap, expensive)[0], abs=1e-12)


def test_partial_kendall_is_the_formula_for_one_and_two_controls(data):
    cheap, expensive, free = data

    def tau(a, b):
        return stats.kendalltau(a, b)[0]

    def partial(ab, ac, bc):
        return (ab - ac * bc) / np.sqrt((1 - ac**2) * (1 - bc**2))

    first, second = free.T
    ab, a1, b1 = tau(cheap, expensive), tau(cheap, first), tau(expensive, first)
    one = rank_agreement(cheap, expensive, free[:, :1], SETTINGS).partial_kendall.value
    assert one == pytest.approx(partial(ab, a1, b1), abs=1e-12)
    a2, b2, c = tau(cheap, second), tau(expensive, second), tau(first, second)
    expected = partial(partial(ab, a1, b1), partial(a2, a1, c), partial(b2, b1, c))
    assert rank_agreement(cheap, expensive, free, SETTINGS).partial_kendall.value == pytest.approx(expected, abs=1e-12)


def test_what_is_free_twice_counts_once(data):
    """Operations and parameters that order all candidates in the same way, or a measurement that does."""
    cheap, expensive, free = data
    once = rank_agreement(cheap, expensive, free[:, :1], SETTINGS).partial_kendall
    twice = rank_agreement(cheap, expensive, np.stack([free[:, 0], 2 * free[:, 0] + 1], axis=1), SETTINGS)
    for end in ("value", "low", "high"):
        assert getattr(twice.partial_kendall, end) == pytest.approx(getattr(once, end), abs=1e-9)
    assert np.isnan(rank_agreement(free[:, 0], expensive, free, SETTINGS).partial_kendall.value)


def test_a_candidate_drawn_twice_weighs_twice(data):
    """On a resample, the weighted form equals scipy's on the repeated values."""
    cheap, expensive, _ = data
    drawn = np.random.default_rng(1).integers(40, size=40)
    expected = stats.kendalltau(cheap[drawn], expensive[drawn])[0]
    assert kendall_of(np.stack([cheap, expensive]))(drawn)[0, 1] == pytest.approx(expected, abs=1e-12)


def test_a_measurement_that_only_repeats_what_is_free_adds_nothing():
    rng = np.random.default_rng(0)
    macs = rng.normal(size=300)
    cheap, expensive = macs + 0.5 * rng.normal(size=300), macs + 0.5 * rng.normal(size=300)
    found = rank_agreement(cheap, expensive, macs[:, None], SETTINGS)
    assert found.kendall.low > 0.4
    assert abs(found.partial_kendall.value) < 0.25 * found.kendall.value + 0.1


def test_intervals_cover_about_as_often_as_they_say():
    rng, covered = np.random.default_rng(0), 0
    truth = 2 / np.pi * np.arcsin(0.6)  # Kendall's tau of a normal pair with correlation 0.6
    for seed in range(60):
        first = rng.normal(size=60)
        second = 0.6 * first + 0.8 * rng.normal(size=60)
        interval = rank_agreement(first, second, None, BootstrapSettings(resamples=200, level=0.9, seed=seed)).kendall
        covered += interval.low <= truth <= interval.high
    assert 0.75 <= covered / 60 <= 1.0


def test_the_same_seed_gives_the_same_interval(data):
    assert rank_agreement(*data, SETTINGS) == rank_agreement(*data, SETTINGS)


def test_what_is_not_defined_is_not_a_number():
    constant = rank_agreement([1] * 9, range(9), None, SETTINGS)
    assert np.isnan([constant.kendall.value, constant.pearson.value, constant.kendall.low]).all()
    assert np.isnan(rank_agreement([1, 2], [1, 2], None, SETTINGS).kendall.value)
    with pytest.raises(ShapeMismatchError, match="measurements is .* must be all of one length"):
        rank_agreement([1, 2, 3], [1, 2], None, SETTINGS)


def test_the_table_has_every_kind_and_every_free_predictor():
    rng = np.random.default_rng(0)
    full = pd.DataFrame(
        {
            "architecture_id": [f"a{i}" for i in range(10)],
            "test_score": rng.random(10),
            "val_score": rng.random(10),
            "cost_seconds": 10.0,
            "macs": rng.integers(10, 1000, 10),
            "params": rng.integers(10, 1000, 10),
            "dataset": "digits",
            "space": "s",
            "architecture": "{}",
            "distillation": "none",
            "train_fraction": 1.0,
            "epochs": 5,
            "width": 1.0,
            "role": "full",
        }
    )
    short = full.assign(
        role="low", train_fraction=1 / 3, distillation="kd", cost_seconds=2.0, val_score=full["test_score"]
    )
    table = correlation_table(pd.concat([full, short[:9]]), full, SETTINGS)
    assert table["distillation"].tolist() == ["kd", "none", "proxy:macs", "proxy:params"]
    kd = table.iloc[0]
    assert (kd["n"], kd["kendall"], kd["relative_cost"], kd["dataset"]) == (9, pytest.approx(1), 0.2, "digits")
    macs = table.set_index("distillation").loc["proxy:macs"]
    assert macs["pearson"] == pytest.approx(stats.pearsonr(np.log(full["macs"]), full["test_score"])[0])
    assert macs["relative_cost"] == 0
    assert np.isnan(macs["partial_kendall"])


def test_few_candidates_have_no_interval_instead_of_a_certain_one():
    """All resamples of four candidates in the same order have the same tau."""
    few = rank_agreement([4, 3, 2, 1], [1, 2, 3, 4], None, SETTINGS)
    assert [few.kendall.value, few.spearman.value] == pytest.approx([-1, -1])
    for estimate in (few.pearson, few.kendall, few.spearman):
        assert np.isnan([estimate.low, estimate.high]).all()
    enough = range(FEWEST_FOR_INTERVAL)
    assert np.isfinite(rank_agreement(enough, enough, None, SETTINGS).kendall.low)


def study(n, rng):
    """High-fidelity evaluations with MACs, and low-fidelity ones of two fidelities: one of them knows the noise."""
    macs, noise = rng.integers(100, 10_000, n), rng.normal(size=n)
    full = pd.DataFrame(
        {
            "architecture_id": [f"a{i}" for i in range(n)], "space": "example", "architecture": "{}", "dataset": "d",
            "macs": macs, "params": rng.integers(100, 10_000, n), "test_score": np.log(macs) + noise,
            "val_score": np.log(macs) + noise + rng.normal(size=n), "cost_seconds": 10.0, "seed": 0,
            **Fidelity(1, 9).to_row(), "role": "full",
        }
    )  # fmt: skip
    low = full.assign(role="low", train_fraction=1 / 3)
    kd = low.assign(distillation="kd", val_score=np.log(macs) + noise + 0.2 * rng.normal(size=n))
    return full, low.assign(val_score=np.log(macs) + rng.normal(size=n)), kd


def test_the_table_says_of_low_fidelities_what_they_add_and_of_no_other_row():
    full, plain, kd = study(40, np.random.default_rng(0))
    table = (
        correlation_table(pd.concat([full, plain, kd[3:]]), full, SETTINGS)
        .set_index(["role", "distillation"])
        .sort_index()
    )
    assert table.loc[("low", "kd"), "added_p"] <= 0.05 < table.loc[("low", "none"), "added_p"]
    assert table.loc[("low", "kd"), "added"] > table.loc[("low", "kd"), "added_detectable"] > 0.2
    assert table.loc[("low", "kd"), "n"] == 37
    assert table.drop(index="low")[["added", "added_p", "added_detectable"]].isna().all(axis=None)
    assert list(table)[-1] == "relative_cost"


def test_with_further_seeds_the_mean_counts_and_the_agreement_of_seeds_is_a_row():
    full, plain, _ = study(20, np.random.default_rng(0))
    repeats = full.assign(role="repeat", seed=1, test_score=full["test_score"].to_numpy()[::-1])
    table = correlation_table(pd.concat([plain, full]), full, SETTINGS, repeats).set_index("role")
    mean = (full["test_score"] + repeats["test_score"]) / 2
    assert table.loc["low", "kendall"] == pytest.approx(stats.kendalltau(plain["val_score"], mean).statistic)
    between = [
        stats.kendalltau(a["val_score"], b["test_score"]).statistic for a, b in ((full, repeats), (repeats, full))
    ]
    assert table.loc["ceiling", "kendall"] == pytest.approx(np.mean(between))
    assert table.loc["ceiling", ["n", "epochs", "relative_cost"]].tolist() == [20, 9, 1]
    assert "ceiling" not in set(correlation_table(pd.concat([plain, full]), full, SETTINGS)["role"])


def test_sorting_gives_the_same_as_counting_pairs(data):
    """On the data and on a resample, with ties, and beside a constant column."""
    columns = np.stack([data[0], data[1], *data[2].T, np.zeros(40)])
    counted = kendall_of(columns)
    for drawn in (np.arange(40), np.random.default_rng(1).integers(40, size=40)):
        found, expected = kendall_by_sorting(columns[:, drawn]), counted(drawn)
        off_diagonal = ~np.eye(5, dtype=bool)
        np.testing.assert_allclose(found[off_diagonal], expected[off_diagonal], atol=1e-12)
        assert np.isnan(found[:4, 4]).all()


def test_many_candidates_need_no_matrix_of_all_pairs():
    """20,000 candidates: a matrix of pairs has 3.2 GB."""
    rng = np.random.default_rng(0)
    expensive, free = rng.normal(size=20_000), rng.normal(size=(20_000, 2))
    cheap = 0.6 * expensive + 0.8 * rng.normal(size=20_000)
    found = rank_agreement(cheap, expensive, free, BootstrapSettings(resamples=3, level=0.95, seed=0))
    assert found.kendall.value == pytest.approx(2 / np.pi * np.arcsin(0.6), abs=0.01)
    assert found.partial_kendall.value == pytest.approx(found.kendall.value, abs=0.01)


@st.composite
def tied_columns_and_draws(draw):
    """Two columns of a few different values, and a bootstrap draw of their rows."""
    n = draw(st.integers(2, 25))
    values = st.lists(st.integers(0, 5), min_size=n, max_size=n)
    drawn = draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
    return np.array([draw(values), draw(values)], dtype=float), np.array(drawn)


@given(tied_columns_and_draws())
def test_tau_by_counting_and_by_sorting_is_scipys_on_bootstrap_draws_with_ties(data):
    columns, drawn = data
    first, second = np.triu_indices(columns.shape[1], k=1)
    counted = kendall_by_counting(np.sign(columns[:, first] - columns[:, second]), first, second, drawn)[0, 1]
    expected = stats.kendalltau(*columns[:, drawn]).statistic
    np.testing.assert_allclose(counted, expected, atol=1e-12)
    np.testing.assert_allclose(kendall_by_sorting(columns[:, drawn])[0, 1], expected, atol=1e-12)


@given(tied_columns_and_draws())
def test_tau_does_not_depend_on_order_and_changes_its_sign_with_the_direction(data):
    columns, drawn = data
    tau = kendall_of(columns)(drawn)[0, 1]
    reversed_tau = kendall_of(columns * [[1], [-1]])(drawn)[0, 1]
    np.testing.assert_allclose(reversed_tau, -tau, atol=1e-12)
    np.testing.assert_allclose(kendall_of(columns)(drawn[::-1])[0, 1], tau, atol=1e-12)


def test_given_a_proxy_that_is_constant_nothing_is_defined():
    agreement = rank_agreement([1, 2, 3, 4], [1, 3, 2, 4], [[1.0], [1.0], [1.0], [1.0]], SETTINGS)
    assert np.isnan(agreement.partial_kendall.value)
    assert np.isfinite(agreement.kendall.value)
