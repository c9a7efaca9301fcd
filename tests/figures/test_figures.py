"""Verdicts follow the numbers, pictures show what the tables hold."""

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd import figures


def row(distillation, fraction, cost, kendall, partial, width=0.1):
    columns = {"dataset": "d", "space": "s", "distillation": distillation, "train_fraction": fraction, "epochs": 2}
    for name, value in (
        ("kendall", kendall),
        ("partial_kendall", partial),
        ("pearson", kendall),
        ("spearman", kendall),
    ):
        columns |= {name: value, f"{name}_low": value - width, f"{name}_high": value + width}
    role = "free" if ":" in distillation else "full" if fraction == 1 else "low"
    return {**columns, "role": role, "width": 1.0, "n": 24, "relative_cost": cost}


def table(kd, partial, macs=0.4):
    return pd.DataFrame(
        [
            row("none", 1 / 9, 0.1, 0.15, 0.0),
            row("kd", 1 / 9, 0.12, kd, partial),
            row("none", 1.0, 1.0, 0.8, 0.7),
            row("proxy:macs", 0.0, 0.0, macs, np.nan),
            row("proxy:params", 0.0, 0.0, 0.3, np.nan),
        ]
    )


@pytest.mark.parametrize(
    ("numbers", "conclusion"),
    [
        ({"kd": 0.6, "partial": 0.4}, "is worth its cost"),
        ({"kd": 0.6, "partial": 0.05}, "better than the zero-cost proxies do, but its interval leaves open"),
        ({"kd": 0.3, "partial": 0.05}, "less well than the zero-cost proxies do, but its interval leaves open"),
        ({"kd": 0.05, "partial": 0.05}, "no low fidelity ranks the candidates reliably"),
    ],
)
def test_the_verdict_follows_the_intervals(numbers, conclusion):
    kd = max(numbers["kd"], 0.16) if "reliably" not in conclusion else numbers["kd"]
    data = table(kd, numbers["partial"])
    if "reliably" in conclusion:
        data = data[data["distillation"] != "none"]
    sentences = figures.verdict(data)
    assert conclusion in sentences[0]
    assert (
        f"At 1/9 of the training images, 2 epochs, with kd, the ranking of the candidates agrees with that of "
        f"high-fidelity evaluations by Kendall's tau {kd:.2f} [" in sentences[0]
    )
    assert "zero-cost proxies agree by 0.40 [0.30, 0.50] (MACs) and 0.30 [0.20, 0.40] (parameter count)" in sentences[0]


def test_the_verdict_admits_the_choice_and_compares_plain_with_distilled():
    text = " ".join(figures.verdict(table(0.6, 0.4)))
    assert "best of 2 low fidelities, chosen after all of them were measured" in text
    assert (
        "1 of the 2 low fidelities add information by their own intervals (which are not corrected for multiple comparisons): kd at 1/9 0.40 ["
        in text
    )
    assert "at 1/9 plain 0.15, best distillation (kd) 0.60" in text
    assert "one and the same high-fidelity evaluation agree by Kendall's tau 0.80 [0.70, 0.90]" in text


def test_nothing_beyond_the_zero_cost_proxies_is_said():
    assert "none of the 2 low fidelities adds information by its own interval" in " ".join(
        figures.verdict(table(0.6, 0.05))
    )


def test_an_undefined_agreement_is_said():
    data = table(0.5, 0.1)
    data["kendall"] = np.nan
    assert "No low fidelity has a defined rank agreement" in figures.verdict(data)[0]


def test_the_teaser_shows_every_method_and_both_zero_cost_proxies():
    picture = figures.correlation_against_cost(table(0.6, 0.4))
    labels = [text.get_text() for text in picture.legends[0].get_texts()]
    assert labels == ["macs (zero-cost proxy)", "params (zero-cost proxy)", "plain (none)", "kd"]
