"""Verdicts follow the numbers, pictures show what the tables hold."""

import numpy as np
import pandas as pd

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


def test_the_teaser_shows_every_method_and_both_zero_cost_proxies():
    picture = figures.correlation_against_cost(table(0.6, 0.4))
    labels = [text.get_text() for text in picture.legends[0].get_texts()]
    assert labels == ["macs (zero-cost proxy)", "params (zero-cost proxy)", "plain (none)", "kd"]
