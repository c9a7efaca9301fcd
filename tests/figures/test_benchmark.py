"""Regret curves show means and errors of what the traces hold."""

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd import figures
from tests.figures.test_figures import table


def traces(**strategies):
    """Of each strategy, its traces: one a seed, of pairs of cost and regret."""
    return pd.DataFrame(
        [
            {
                "dataset": "d",
                "space": "s",
                "task": task,
                "strategy": strategy,
                "seed": seed,
                "cumulative_cost_seconds": cost,
                "regret_points": regret,
            }
            for task in ("all", "half")
            for strategy, seeds in strategies.items()
            for seed, trace in enumerate(seeds)
            for cost, regret in trace
        ]
    )


def line(picture, label, panel=0):
    return next(found for found in picture.axes[panel].lines if found.get_label() == label).get_xydata().T


def test_a_curve_is_the_mean_over_seeds_and_begins_when_all_have_something():
    picture = figures.regret_against_cost(
        traces(random=[[(10, 4.0), (100, 0.0)], [(20, 2.0), (50, 1.0), (100, 0.0)]], mf_kd=[[(1, 3.0), (2, 0.0)]])
    )
    assert len(picture.axes) == 2
    costs, regrets = line(picture, "random")
    assert np.isnan(regrets[costs < 20]).all()
    assert regrets[(costs >= 20) & (costs < 50)] == pytest.approx(3)
    assert regrets[(costs >= 50) & (costs < 99)] == pytest.approx(2.5)
    assert regrets[-1] == 0
    assert line(picture, "mf_kd")[1][-1] == 0, "a search that has ended keeps what it has found"


def test_ours_stands_out_and_every_strategy_is_in_the_legend():
    names = ["random", "hf_gp", "a", "b", "c", "d", "e", "f", "mf_kd"]
    picture = figures.regret_against_cost(traces(**{name: [[(1, 1.0), (2, 0.0)]] for name in names}))
    assert [text.get_text() for text in picture.legends[0].get_texts()] == names
    lines = {found.get_label(): found for found in picture.axes[0].lines}
    assert lines["mf_kd"].get_linewidth() > max(found.get_linewidth() for n, found in lines.items() if n != "mf_kd")
    assert len({(found.get_color(), found.get_linestyle()) for found in lines.values()}) == len(names)


def test_several_tables_are_rows_of_one_teaser():
    both = pd.concat([table(0.6, 0.4), table(0.6, 0.4).assign(dataset="other")])
    picture = figures.correlation_against_cost(both)
    titles = [axis.get_title() for axis in picture.axes]
    assert titles[0].startswith("d s: ")
    assert titles[2].startswith("other s: ")
    assert len(picture.axes) == 4
    assert [text.get_text() for text in picture.legends[0].get_texts()] == [
        "macs (zero-cost proxy)", "params (zero-cost proxy)", "plain (none)", "kd"
    ]  # fmt: skip


def test_the_text_says_who_missed_the_target():
    row = {"dataset": "d", "space": "s", "task": "all"}
    worth = {"recommended_test_accuracy": 0.7, "recommended_test_accuracy_standard_error": 0.01}
    cost = {"cost_to_target_seconds": 1234.5, "cost_to_target_seconds_standard_error": 6.0}
    text = figures.search_summary_text(
        pd.DataFrame(
            [
                {**row, "strategy": "b", "reached_target": 1.0, "ratio_to_best_other": 0.5, **worth, **cost},
                {**row, "strategy": "a", "reached_target": 0.25, "ratio_to_best_other": np.nan, **worth},
            ]
        )
    )
    assert "1,234.5 ± 6.0 s (0.50)" in text
    assert "25 % reached it, test 70.00 ± 1.00 %" in text
    assert text.index("1,234.5") < text.index("25 %"), "in the order of the summary"
