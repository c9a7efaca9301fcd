"""The sentences follow the numbers."""

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd.figures import conclusions
from mf_nas_kd.statistics import per_class_accuracy
from tests import final_tables

EVEN = per_class_accuracy(np.diag([45] * 10), 0.95)
NAMES = tuple("abcdefghij")


def steps(references, per_class=EVEN, **changes):
    winner = final_tables.winner(cheapest_indistinguishable=None, **changes)
    return conclusions.next_steps(winner, references, per_class, NAMES, "data/digits/network")


def test_the_headline_has_accuracy_interval_seeds_and_cost():
    line = conclusions.headline(final_tables.winner(), level=0.95)
    assert line == (
        "A mobilenet_v2 network with 400 k MACs per image and 21,482 parameters classifies 98.2 % [97.1, 99.1] of the "
        "test images correctly (mean of 3 seeds, 95 % interval; 60 epochs, distilled (kd))."
    )
    assert "60 epochs, plain" in conclusions.headline(final_tables.winner(distillation="none"), level=0.95)


@pytest.mark.parametrize(
    ("best", "expected"),
    [
        (0.02, "The winner beats the best reference of at most its cost, ResNet-8 x0.5, by 2.0 points [1.2, 2.8] "
               "(3 seeds, paired over 450 test images)."),
        (0.004, "Whether the winner beats the best reference of at most its cost, ResNet-8 x0.5, cannot be told: the "
                "difference is +0.4 points [-0.4, 1.2] (3 seeds, paired over 450 test images)."),
        (-0.02, "The winner does not beat the best reference of at most its cost, ResNet-8 x0.5, which is better by "
                "2.0 points [1.2, 2.8] (3 seeds, paired over 450 test images)."),
    ],
)  # fmt: skip
def test_what_it_beats_follows_the_interval(best, expected):
    assert conclusions.comparison(final_tables.winner(), final_tables.references(best), 450) == expected


def test_the_edges_of_the_interval_do_not_count_as_better():
    for edge in (0.008, -0.008):
        table = final_tables.references(edge)
        assert "cannot be told" in conclusions.comparison(final_tables.winner(), table, 450)


def test_without_a_reference_or_an_interval_nothing_is_claimed():
    winner, table = final_tables.winner(best_reference=None), final_tables.references()
    assert conclusions.comparison(winner, table, 450).startswith("No reference network of at most its MACs")
    table[["difference_low", "difference_high"]] = np.nan
    assert "cannot be told: the difference has no interval" in conclusions.comparison(final_tables.winner(), table, 450)


def test_a_candidate_with_the_name_of_the_reference_is_not_taken_for_it():
    table = final_tables.references().assign(name="ResNet-8 x0.5")
    assert conclusions.best_reference(final_tables.winner(), table)["test_accuracy"] == pytest.approx(0.962)


def test_the_indistinguishable_ones_are_named_with_their_cost():
    table = final_tables.references()
    assert conclusions.indistinguishable(final_tables.winner(), table) == (
        "The test images cannot tell the winner from 1 other finalist: other (250 k MACs). The cheapest of them is "
        "other (250 k MACs); the winner has 400 k MACs."
    )
    alone = final_tables.winner(indistinguishable=[], cheapest_indistinguishable=None)
    assert conclusions.indistinguishable(alone, table) == "The test images tell the winner from every other finalist."
    cheapest = final_tables.winner(cheapest_indistinguishable=final_tables.architecture().id)
    assert conclusions.indistinguishable(cheapest, table).endswith("The winner has the fewest MACs of them.")


def test_three_lines_of_which_the_last_says_where_the_network_is():
    winner, table = final_tables.winner(), final_tables.references(best=-0.02, teacher=0.01)
    lines = conclusions.next_steps(winner, table, EVEN, NAMES, "data/digits/network")
    assert len(lines) == 3
    assert lines[0].startswith("ResNet-8 x0.5 is better at no more cost")
    assert lines[1].startswith("Train a better teacher: the winner's lead over this one is +1.0 points [0.2, 1.8].")
    assert lines[2] == "Take the network: data/digits/network (see its README.md)."


def test_a_cheaper_network_that_is_as_good_is_advised():
    lines = conclusions.next_steps(final_tables.winner(), final_tables.references(), EVEN, NAMES, "folder")
    assert lines[0].startswith("If cost matters, use other: 250 k MACs instead of 400 k MACs")
    assert "search.max_macs=250000" in lines[0]


def test_an_undecided_comparison_asks_for_images_and_seeds():
    assert steps(final_tables.references(best=0.004))[0].startswith(
        "To decide whether the winner beats ResNet-8 x0.5, use more test images (four times as many halve the interval) "
        "and more than 3 seeds (final.seeds)."
    )
    assert not any("To decide" in line for line in steps(final_tables.references(best=0.02)))


def test_classes_far_below_the_others_ask_for_images():
    confusion = np.diag([45] * 10)
    confusion[3, 3], confusion[3, 4] = 20, 25
    lines = steps(final_tables.references(), per_class_accuracy(confusion, 0.95))
    assert lines[0] == "Collect more training images of the classes that it gets wrong most often: d (44 %)."


def test_where_nothing_calls_for_advice_the_search_can_have_more_time():
    lines = steps(final_tables.references())
    assert len(lines) == 2
    assert lines[0].startswith("For a better network, give the search more time")


def test_without_a_teacher_nothing_is_said_of_it():
    table = final_tables.references()
    assert not any("teacher" in line for line in steps(pd.DataFrame(table[table["role"] != "teacher"])))
