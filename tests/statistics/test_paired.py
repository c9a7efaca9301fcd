"""Intervals of accuracies: by hand, at the edges, and how often they hold the truth."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import balanced_accuracy_score

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.statistics.paired import accuracy_difference, indistinguishable, mean_accuracy

IMAGES, SETS = 400, 300
DIFFICULTY, CHANCE = 1.0, 0.7
"""Standard deviations of what images have in common for all trainings, and of one training on one image."""


def trained(rng, ease, seeds, seed_deviation, difficulty):
    """Which images networks of some seeds get right: where a normal number is above 0."""
    by_seed = seed_deviation * rng.standard_normal((seeds, 1))
    return ease + difficulty + by_seed + CHANCE * rng.standard_normal((seeds, len(difficulty))) > 0


def population_accuracy(ease, seed_deviation):
    return norm.cdf(ease / np.sqrt(DIFFICULTY**2 + CHANCE**2 + seed_deviation**2))


def coverage_of_mean(ease, seeds, seed_deviation, sets=SETS):
    rng, truth, held = np.random.default_rng(0), population_accuracy(ease, seed_deviation), 0
    for _ in range(sets):
        correct = trained(rng, ease, seeds, seed_deviation, DIFFICULTY * rng.standard_normal(IMAGES))
        interval = mean_accuracy(correct, 0.95)
        held += interval.low <= truth <= interval.high
    return held / sets


def coverage_of_difference(eases, seeds, seed_deviation, sets=SETS):
    rng, held = np.random.default_rng(0), 0
    truth = population_accuracy(eases[0], seed_deviation) - population_accuracy(eases[1], seed_deviation)
    for _ in range(sets):
        difficulty = DIFFICULTY * rng.standard_normal(IMAGES)
        both = [trained(rng, *each, seed_deviation, difficulty) for each in zip(eases, seeds, strict=True)]
        interval = accuracy_difference(*both, 0.95)
        held += interval.low <= truth <= interval.high
    return held / sets


@pytest.mark.parametrize(
    ("ease", "seeds", "seed_deviation"), [(1.0, 1, 0.0), (3.0, 1, 0.0), (1.0, 2, 0.2), (1.0, 3, 0.2), (3.0, 3, 0.05)]
)
def test_the_interval_of_a_mean_holds_the_truth(ease, seeds, seed_deviation):
    """At 0.95, 278 of 300 sets or more in 97 of 100 cases."""
    assert coverage_of_mean(ease, seeds, seed_deviation) >= 0.925


@pytest.mark.parametrize(
    ("eases", "seeds", "seed_deviation"),
    [
        ((1.0, 1.0), (1, 1), 0.0),
        ((1.2, 1.0), (1, 3), 0.1),
        ((1.0, 1.0), (2, 2), 0.2),
        ((1.2, 1.0), (3, 3), 0.2),
        ((3.0, 2.8), (3, 3), 0.05),
    ],
)
def test_the_interval_of_a_difference_holds_the_truth(eases, seeds, seed_deviation):
    assert coverage_of_difference(eases, seeds, seed_deviation) >= 0.925


def test_equal_networks_are_rarely_told_apart_and_worse_ones_are():
    """Four networks that are as good as the winner, and one that is worse."""
    rng, wrong, found = np.random.default_rng(0), 0, 0
    for _ in range(SETS):
        difficulty = DIFFICULTY * rng.standard_normal(IMAGES)
        winner = trained(rng, 1.0, 3, 0.05, difficulty)
        others = {name: trained(rng, 1.0, 3, 0.05, difficulty) for name in "abcd"}
        wrong += indistinguishable(winner, others, 0.95) != tuple("abcd")
        worse = {**others, "worse": trained(rng, 0.2, 3, 0.05, difficulty)}
        found += "worse" not in indistinguishable(winner, worse, 0.95)
    assert wrong / SETS <= 0.08, "5 % and two binomial deviations"
    assert found / SETS > 0.9


def test_pairing_over_images_makes_the_interval_narrower():
    rng = np.random.default_rng(0)
    difficulty = 5 * rng.standard_normal(IMAGES)
    first, second = (trained(rng, 1.0, 3, 0.0, difficulty) for _ in range(2))
    paired, mixed = (accuracy_difference(first, each, 0.95) for each in (second, rng.permutation(second, axis=1)))
    assert paired.value == pytest.approx(mixed.value)
    assert paired.high - paired.low < 0.6 * (mixed.high - mixed.low)


def test_all_right_is_not_certain_and_few_differences_are_not_enough():
    perfect = np.ones((1, 100), dtype=bool)
    estimate = mean_accuracy(perfect, 0.95)
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert 0.94 < estimate.low < 0.98, "100 of 100: Wilson's interval begins at 0.963"
    for wrong, told_apart in [(0, False), (4, False), (12, True)]:  # McNemar's exact test of 4 : 0 has p = 0.125
        other = perfect.copy()
        other[:, :wrong] = False
        assert (indistinguishable(perfect, {"other": other}, 0.95) == ()) == told_apart


def test_one_seed_takes_the_variance_over_seeds_of_the_other_network():
    rng = np.random.default_rng(0)
    rates = np.array([[0.6], [0.8], [0.9]])
    several, one = rng.random((3, IMAGES)) < rates, rng.random((1, IMAGES)) < 0.7
    with_seeds = accuracy_difference(one, several, 0.95)
    over_images_only = accuracy_difference(one, several[:1], 0.95)
    assert with_seeds.high - with_seeds.low > 3 * (over_images_only.high - over_images_only.low)


def test_the_family_widens_the_intervals():
    first, second = np.ones((1, 100), dtype=bool), np.ones((1, 100), dtype=bool)
    second[:, :8] = False
    assert indistinguishable(first, {"a": second}, 0.95) == ()
    names = [str(number) for number in range(20)]
    assert indistinguishable(first, dict.fromkeys(names, second), 0.95) == tuple(names)
    assert indistinguishable(first, {}, 0.95) == ()


@pytest.mark.parametrize(
    ("first", "second", "level", "message"),
    [
        (np.ones((1, 3), bool), np.ones((1, 4), bool), 0.95, "number of images is 4, but must be 3"),
        (np.ones((0, 3), bool), np.ones((1, 3), bool), 0.95, r"is \(0, 3, 'bool'\), but must be \(seeds, images\), bool"),
        (np.ones((1, 3)), np.ones((1, 3), bool), 0.95, r"is \(1, 3, 'float64'\)"),
        (np.ones((1, 3), bool), np.ones(3, bool), 0.95, r"is \(3, 'bool'\)"),
        (np.ones((1, 3), bool), np.ones((1, 3), bool), 1.0, "level of an interval is 1.0, but must be above 0"),
    ],
)  # fmt: skip
def test_other_arguments_are_refused(first, second, level, message):
    with pytest.raises(InvalidValueError, match=message):
        accuracy_difference(first, second, level)


CLASSES = np.repeat([0, 1, 2], [300, 80, 20])
"""Of the images of an unbalanced set."""


def test_one_group_is_plain_accuracy_to_the_last_bit():
    correct = np.random.default_rng(0).random((3, 400)) < 0.8
    together = np.zeros(400, dtype=np.int64)
    assert mean_accuracy(correct, 0.95, together) == mean_accuracy(correct, 0.95)
    other = np.random.default_rng(1).random((2, 400)) < 0.7
    assert accuracy_difference(correct, other, 0.95, together) == accuracy_difference(correct, other, 0.95)


def test_with_a_group_for_each_class_it_is_scikit_learns_balanced_accuracy():
    correct = np.random.default_rng(0).random((2, 400)) < 0.5 + 0.2 * CLASSES
    predicted = np.where(correct, CLASSES, (CLASSES + 1) % 3)
    expected = [balanced_accuracy_score(CLASSES, each) for each in predicted]
    assert mean_accuracy(correct, 0.95, CLASSES).value == pytest.approx(np.mean(expected))
    difference = accuracy_difference(correct[:1], correct[1:], 0.95, CLASSES)
    assert difference.value == pytest.approx(expected[0] - expected[1])


def test_the_interval_of_balanced_accuracy_is_that_of_a_stratified_sample():
    """Price and Bonett (2004), by hand: a third of what is added goes to each class, variances add up over nine."""
    correct = np.zeros((1, 400), dtype=bool)
    right = (270, 40, 15)
    for label, count in enumerate(right):
        correct[0, np.flatnonzero(label == CLASSES)[:count]] = True
    z = norm.ppf(0.975)
    counts = np.bincount(CLASSES) + z**2 / 3
    shares = (np.array(right) + z**2 / 6) / counts
    half = z * np.sqrt((shares * (1 - shares) / counts).sum()) / 3
    found = mean_accuracy(correct, 0.95, CLASSES)
    assert (found.low, found.high) == pytest.approx((shares.mean() - half, shares.mean() + half))


@pytest.mark.parametrize("recalls", [(0.9, 0.7, 0.5), (0.98, 0.95, 0.9)])
def test_the_interval_of_balanced_accuracy_holds_the_truth(recalls):
    """At 0.95, 555 of 600 sets or more; an interval that ignores the classes holds it in far fewer."""
    rng, held, ignoring = np.random.default_rng(0), 0, 0
    for _ in range(600):
        correct = rng.random((1, 400)) < np.array(recalls)[CLASSES]
        for groups in (CLASSES, None):
            found = mean_accuracy(correct, 0.95, groups)
            inside = found.low <= np.mean(recalls) <= found.high
            held, ignoring = held + (inside and groups is not None), ignoring + (inside and groups is None)
    assert held >= 555
    assert ignoring < 450


def test_a_difference_that_only_rare_classes_show_is_found_by_balanced_accuracy():
    winner, other = np.ones((1, 400), dtype=bool), np.ones((1, 400), dtype=bool)
    winner[0, :18], other[0, CLASSES == 2] = False, False
    assert indistinguishable(winner, {"other": other}, 0.95) == ("other",)
    assert indistinguishable(winner, {"other": other}, 0.95, CLASSES) == ()


def test_groups_are_one_for_each_image():
    with pytest.raises(InvalidValueError, match="shape of the groups of images"):
        mean_accuracy(np.ones((1, 4), dtype=bool), 0.95, np.zeros(3, dtype=np.int64))
