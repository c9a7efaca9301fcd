"""The first sentence is the answer, and nothing is claimed that was not tested."""

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd import figures
from mf_nas_kd.statistics import AddedValueSettings
from mf_nas_kd.statistics.distillation import COMPARISON_COLUMNS
from tests.figures.test_figures import table

SETTINGS = AddedValueSettings(permutations=99, level=0.05, power=0.8)
NONE = pd.DataFrame(columns=list(COMPARISON_COLUMNS))


def study(p=0.004, detectable=0.5, **others):
    data = table(0.6, 0.4).assign(added=np.nan, added_p=np.nan, added_detectable=np.nan)
    low = data["role"] == "low"
    data.loc[low, ["added", "added_p", "added_detectable"]] = [[0.1, 0.9, detectable], [0.55, p, detectable]]
    return data.assign(**others)


def compared(p=0.01, difference=0.45):
    row = {
        "train_fraction": 1 / 9, "epochs": 2, "width": 1.0, "distillation": "kd", "image_size": None, "n": 24,
        "plain": 0.15, "distilled": 0.15 + difference, "difference": difference, "difference_low": difference - 0.2,
        "difference_high": difference + 0.2, "p_value": p,
    }  # fmt: skip
    return pd.DataFrame([row])


def test_yes_with_the_p_value_and_the_better_proxy_beside_it():
    answer, ranking, *_ = figures.verdict(study(), NONE, SETTINGS)
    assert answer.startswith("Yes: low-fidelity evaluations add information beyond MACs and parameter count. 1 of 2 ")
    assert "on 24 candidates" in answer
    assert "kd at 1/9, 2 epochs: 0.55, p = 0.004." in answer
    assert "plain at" not in answer
    assert "Kendall's tau 0.60 [0.50, 0.70]" in ranking
    assert "the best of 2 zero-cost proxies, MACs, agrees by 0.40 [0.30, 0.50] at no cost" in ranking
    assert "24 candidates), at 12 % of their cost" in ranking


def test_no_evidence_with_the_size_that_would_have_been_found():
    answer = figures.verdict(study(p=0.06), NONE, SETTINGS)[0]
    assert answer.startswith(
        "No evidence that low-fidelity evaluations add information beyond MACs and parameter count"
    )
    assert "0.55 (kd at 1/9, 2 epochs; family-wise p = 0.06). One of 0.50 would have been found in 80 %" in answer


@pytest.mark.parametrize("p", [0.004, 0.5, np.nan])
def test_what_few_candidates_cannot_tell_is_not_told(p):
    said = figures.verdict(study(p=p, detectable=np.nan, n=6, kendall_low=np.nan), compared(), SETTINGS)
    assert said[0].startswith(
        "Whether low-fidelity evaluations add information beyond MACs and parameter count cannot be"
    )
    assert "cannot be told from 6 candidates" in said[0]
    assert "Kendall's tau 0.60 [too few candidates for an interval]" in said[1]
    assert not any("than plain" in sentence for sentence in said)


def test_nothing_is_said_of_worth():
    for p in (0.004, 0.5):
        assert "worth" not in " ".join(figures.verdict(study(p), compared(), SETTINGS))


def test_a_difference_of_distillation_is_claimed_only_where_something_is_added():
    text = [" ".join(figures.verdict(study(p), compared(), SETTINGS)) for p in (0.004, 0.5)]
    claim = "kd at 1/9, 2 epochs ranks better than plain, kd at 1/9, 2 epochs, Kendall's tau 0.60 against 0.15"
    assert claim in text[0]
    assert "difference 0.45 [0.25, 0.65], 24 candidates (simultaneous intervals)" in text[0]
    assert "than plain" not in text[1]
    assert "no conclusion is drawn, because no low fidelity is shown to add information" in text[1]
    assert "ranks worse than plain" in " ".join(figures.verdict(study(), compared(difference=-0.45), SETTINGS))
    assert "leave open" in " ".join(figures.verdict(study(), compared(p=0.3), SETTINGS))


def test_the_ceiling_is_that_of_seeds_where_it_is_known():
    one = figures.verdict(study(), NONE, SETTINGS)[-1]
    assert "is not known: there is one seed" in one
    assert "evaluation.seeds=2 measures it" in one
    assert "one and the same high-fidelity evaluation agree by Kendall's tau 0.80 [0.70, 0.90] (24 candidates)" in one
    data = study()
    more = pd.concat([data, data[data["role"] == "full"].assign(role="ceiling", kendall=0.7)])
    two = figures.verdict(more, NONE, SETTINGS)[-1]
    assert "differ in the seed only agree by Kendall's tau 0.70 [0.70, 0.90] (24 candidates)" in two


def test_savings_are_a_sentence_of_their_own():
    assert figures.verdict(study(), NONE, SETTINGS, savings="Saved 3 %.")[-1] == "Saved 3 %."


def test_undefined_agreement_is_said():
    said = figures.verdict(study(kendall=np.nan), NONE, SETTINGS)
    assert "No low fidelity has a defined rank agreement" in said[1]
