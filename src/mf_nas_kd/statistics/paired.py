"""Accuracies over test images and seeds, with intervals; differences are paired over the images.

Letters in shapes: ``S`` seeds, ``N`` images, ``G`` groups of images. The accuracy is the mean of the accuracies of the
groups: of one group of all images it is plain accuracy, of a group for each class balanced accuracy.

Images and seeds are both drawn from more than were seen. The interval has a part for each: a normal quantile times the
standard error over images, a t quantile with ``S - 1`` degrees of freedom times that over seeds. The half width is the
root of the sum of their squares. The seeds' part holds the images that single trainings get right or wrong by chance a
second time, so that intervals are a little too wide, never too narrow.

With one seed there is no seeds' part: the interval is that of these weights on further images, and says nothing of
another training. A bootstrap over both was compared: with 2 or 3 seeds it is too narrow, because 3 seeds that are drawn
with replacement vary by 2/3 of what they should, and it takes an accuracy of 100 % for certain.

References:
    Agresti and Coull (1998). Approximate Is Better than "Exact" for Interval Estimation of Binomial Proportions. The
    American Statistician 52: half of ``z^2`` images that are right are added, and as many that are wrong.
    Bonett and Price (2012). Adjusted Wald Confidence Interval for a Difference of Binomial Proportions Based on Paired
    Data. Journal of Educational and Behavioral Statistics 37: one image that only the first network gets right is
    added, and one that only the second does. Difference: a quarter of ``z^2`` of each, which is 0.96 at 95 %.
    Price and Bonett (2004). An Improved Confidence Interval for a Linear Function of Binomial Proportions.
    Computational Statistics and Data Analysis 45: what is added is divided equally among the groups, and the variance
    of the mean is the sum of theirs over ``G^2``. Difference: the same is done with paired data.
    Zou and Donner (2008). Construction of Confidence Limits about Effect Measures. Statistics in Medicine 27, eq. 2:
    the interval of a sum from those of its parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError
from mf_nas_kd.statistics.bootstrap import Estimate

Correct = NDArray[np.bool_]
"""``(S, N)``: whether the network of each seed gets each image right."""

Groups = NDArray[np.int64]
"""``(N,)``: group of each image."""


def mean_accuracy(correct: Correct, level: float, groups: Groups | None = None) -> Estimate:
    """Mean accuracy over seeds and images, in [0, 1], with its interval.

    Args:
        correct: ``(S, N)``; with one seed the interval is over images only.
        level: Nominal coverage, in (0, 1).
        groups: ``(N,)``, group of each image; None for one group.

    Raises:
        ShapeMismatchError: If there is no seed or no image.
        InvalidValueError: If the level is not allowed.

    >>> estimate = mean_accuracy(np.array([[True] * 90 + [False] * 10] * 3), level=0.95)
    >>> [round(number, 3) for number in (estimate.value, estimate.low, estimate.high)]
    [0.9, 0.824, 0.947]
    """
    _require_seeds_and_images(correct)
    z = _normal_quantile(level)
    parts = _parts(correct, groups)
    seeds, over_seeds = len(correct), _over_groups(correct, parts)
    halves = np.full(2, z**2 / 2)
    centre, error = _over_images(correct.mean(axis=0), parts, np.array([1.0, 0.0]), halves)
    half = math.hypot(z * error, _t_quantile(level, seeds - 1) * _seeds_error(over_seeds))
    return _estimate(float(over_seeds.mean()), centre, half, lowest=0.0)


def accuracy_difference(first: Correct, second: Correct, level: float, groups: Groups | None = None) -> Estimate:
    """Mean accuracy of one network minus that of another, paired over images and not over seeds, with its interval.

    The variance over seeds is taken to be the same for both, as in Student's t test of two samples, so that a network
    with one seed takes that of the other. If both have one seed, the interval is over images only.

    Args:
        first: ``(S, N)``.
        second: ``(S', N)``, the same images in the same order.
        level: Nominal coverage, in (0, 1).
        groups: ``(N,)``, group of each image; None for one group.

    Raises:
        ShapeMismatchError: If there is no seed or no image, or the numbers of images differ.
        InvalidValueError: If the level is not allowed.

    >>> first, second = np.ones((1, 100), dtype=bool), np.ones((1, 100), dtype=bool)
    >>> second[:, :20] = False
    >>> estimate = accuracy_difference(first, second, level=0.95)
    >>> [round(number, 3) for number in (estimate.value, estimate.low, estimate.high)]
    [0.2, 0.115, 0.278]
    """
    _require_seeds_and_images(first)
    _require_seeds_and_images(second)
    if first.shape[1] != second.shape[1]:
        raise ShapeMismatchError("number of images", second.shape[1], f"{first.shape[1]}, the first network's")
    z = _normal_quantile(level)
    by_image = first.mean(axis=0) - second.mean(axis=0)
    parts = _parts(first, groups)
    centre, error = _over_images(by_image, parts, np.array([1.0, -1.0]), np.full(2, z**2 / 4))
    over_seeds = [_over_groups(each, parts) for each in (first, second)]
    freedom = len(first) + len(second) - 2
    half = math.hypot(z * error, _t_quantile(level, freedom) * _pooled_error(*over_seeds))
    return _estimate(float(over_seeds[0].mean() - over_seeds[1].mean()), centre, half, lowest=-1.0)


def indistinguishable(
    winner: Correct, others: Mapping[str, Correct], level: float, groups: Groups | None = None
) -> tuple[str, ...]:
    """The networks whose accuracy cannot be told from the winner's.

    They are those whose difference has an interval that includes 0. The level is family-wise, by Bonferroni's
    correction, which holds for any dependence: with ``m`` others each interval has the level ``1 - (1 - level) / m``.
    A network that is *better* than the winner beyond chance is not among them.

    Args:
        winner: ``(S, N)``.
        others: Of each other finalist, by its name, ``(S', N)``.
        level: Probability that no network without a difference is left out, in (0, 1).
        groups: ``(N,)``, group of each image; None for one group.

    Returns:
        Names, in the order of ``others``.

    Raises:
        ShapeMismatchError: If there is no seed or no image, or the numbers of images differ.
        InvalidValueError: If the level is not allowed.
    """
    each = 1 - (1 - level) / max(1, len(others))
    differences = {name: accuracy_difference(winner, other, each, groups) for name, other in others.items()}
    return tuple(name for name, difference in differences.items() if difference.low <= 0 <= difference.high)


def _parts(correct: Correct, groups: Groups | None) -> list[NDArray[np.intp]]:
    """Positions of the images of each group that has any."""
    images = correct.shape[1]
    of_image = np.zeros(images, dtype=np.int64) if groups is None else groups
    if of_image.shape != (images,):
        raise ShapeMismatchError("shape of the groups of images", of_image.shape, f"({images},), one for each image")
    return [np.flatnonzero(of_image == group) for group in np.unique(of_image)]


def _over_groups(correct: Correct, parts: Sequence[NDArray[np.intp]]) -> NDArray[np.float64]:
    """Accuracy of each seed, ``(S,)``: the mean over groups."""
    accuracies: NDArray[np.float64] = np.mean([correct[:, part].mean(axis=1) for part in parts], axis=0)
    return accuracies


def _over_images(
    values: NDArray[np.float64],
    parts: Sequence[NDArray[np.intp]],
    added: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> tuple[float, float]:
    """Mean over groups of images and its standard error, with some images added.

    Args:
        values: ``(N,)``, one for each image.
        parts: Positions of the images of each group.
        added: ``(k,)``, the values of the images that are added.
        weights: ``(k,)``, how many there are of each, in all groups together.
    """
    means, errors = zip(*(_over_group(values[part], added, weights / len(parts)) for part in parts), strict=True)
    return float(np.mean(means)), math.hypot(*errors) / len(parts)


def _over_group(
    values: NDArray[np.float64], added: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Mean over images and its standard error, with some images added; see :func:`_over_images`."""
    count = len(values) + weights.sum()
    mean = (values.sum() + weights @ added) / count
    variance = ((values - mean) @ (values - mean) + weights @ (added - mean) ** 2) / count
    return float(mean), float(np.sqrt(variance / count))


def _seeds_error(accuracies: NDArray[np.float64]) -> float:
    """Standard error of the mean of ``(S,)`` accuracies; 0 for one seed."""
    return float(accuracies.std(ddof=1) / np.sqrt(len(accuracies))) if len(accuracies) > 1 else 0.0


def _pooled_error(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Standard error of the difference of the means of ``(S,)`` and ``(S',)``, by a common variance; 0 for one each."""
    freedom = len(first) + len(second) - 2
    if freedom == 0:
        return 0.0
    squares = sum(float(((each - each.mean()) ** 2).sum()) for each in (first, second))
    return float(np.sqrt(squares / freedom * (1 / len(first) + 1 / len(second))))


def _estimate(value: float, centre: float, half: float, lowest: float) -> Estimate:
    low, high = max(lowest, centre - half), min(1.0, centre + half)
    return Estimate(value, min(low, value), max(high, value))


def _normal_quantile(level: float) -> float:
    if not 0 < level < 1:
        raise InvalidValueError("level of an interval", level, "above 0 and below 1")
    return float(norm.ppf((1 + level) / 2))


def _t_quantile(level: float, freedom: int) -> float:
    return float(t.ppf((1 + level) / 2, freedom)) if freedom > 0 else 0.0


def _require_seeds_and_images(correct: Correct) -> None:
    if correct.ndim != 2 or correct.size == 0 or correct.dtype != np.bool_:
        received = (*correct.shape, str(correct.dtype))
        raise ShapeMismatchError("shape and type of the correct answers", received, "(seeds, images), bool, not empty")
