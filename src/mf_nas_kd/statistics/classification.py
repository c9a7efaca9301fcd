"""What a classifier gets right and wrong: confusion matrix, accuracy of each class, the wrong predictions.

Letters: ``K`` classes, ``N`` images. Accuracies are in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from mf_nas_kd.errors import InvalidValueError, printable


def confusion_matrix(labels: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Number of images of each class, by predicted class.

    Args:
        labels: True classes, ``(N,)``, whole numbers in [0, K).
        predicted: Predicted classes, ``(N,)``, whole numbers in [0, K).
        classes: Number of classes, ``K``.

    Returns:
        Counts ``(K, K)``: rows are true classes, columns predicted ones.

    Raises:
        InvalidValueError: If the lengths differ, or a class is not in [0, K).

    >>> confusion_matrix([0, 0, 1], [0, 1, 1], classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    true, given = np.asarray(labels, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if true.shape != given.shape or true.ndim != 1:
        raise InvalidValueError("shape of the predictions", given.shape, f"that of the labels, {true.shape}")
    for values in (true, given):
        outside = values[(values < 0) | (values >= classes)]
        if len(outside):
            raise InvalidValueError("class of an image", int(outside[0]), f"in [0, {classes})")
    return np.bincount(true * classes + given, minlength=classes**2).reshape(classes, classes)


def wilson_interval(
    successes: ArrayLike, trials: ArrayLike, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's score interval of a proportion; not-a-number without trials.

    Args:
        successes: Number of successes, any shape.
        trials: Number of trials, of the same shape.
        level: Nominal coverage, in (0, 1).

    Returns:
        Lower and upper ends, in [0, 1].

    References:
        Wilson (1927). Probable Inference, the Law of Succession, and Statistical Inference. JASA 22, 209-212.

    >>> low, high = wilson_interval(10, 10, level=0.95)
    >>> f"{low:.3f} {high:.3f}"
    '0.722 1.000'
    """
    n = np.asarray(trials, dtype=float)
    z2 = norm.ppf((1 + level) / 2) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.asarray(successes, dtype=float) / n
        centre = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def per_class_accuracy(confusion: NDArray[np.int64], level: float) -> pd.DataFrame:
    """Accuracy of each class with Wilson's interval, one row a class.

    Args:
        confusion: Counts ``(K, K)``, see :func:`confusion_matrix`.
        level: Nominal coverage of the intervals, in (0, 1).

    Returns:
        Columns ``label, images, correct, accuracy, accuracy_low, accuracy_high``; accuracies of a class without images
        are missing.
    """
    images, correct = confusion.sum(axis=1), confusion.diagonal()
    low, high = wilson_interval(correct, images, level)
    accuracy = np.divide(correct, images, out=np.full(len(images), np.nan), where=images > 0)
    columns = {"label": np.arange(len(images)), "images": images, "correct": correct}
    return pd.DataFrame(columns | {"accuracy": accuracy, "accuracy_low": low, "accuracy_high": high})


def errors_of_classes(
    predictions: pd.DataFrame, class_names: Sequence[str], level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Confusion matrix and accuracy of each class, as tables with the classes' names.

    Args:
        predictions: One row an image, with ``label`` and ``predicted``.
        class_names: Names of the ``K`` classes.
        level: Nominal coverage of the intervals, in (0, 1).

    Returns:
        Counts ``(K, K)``, rows are true classes and columns predicted ones; and the table of
        :func:`per_class_accuracy` with the column ``class_name``.
    """
    confusion = confusion_matrix(predictions["label"], predictions["predicted"], len(class_names))
    names = pd.Index([printable(name) for name in class_names])
    per_class = per_class_accuracy(confusion, level)
    per_class.insert(1, "class_name", names)
    return pd.DataFrame(confusion, index=names.rename("true class"), columns=names), per_class


def most_confused(confusion: NDArray[np.int64], count: int) -> pd.DataFrame:
    """The pairs of classes that are confused most often, most images first; equal ones in the order of the classes.

    Args:
        confusion: Counts ``(K, K)``, see :func:`confusion_matrix`.
        count: Most pairs to return.

    Returns:
        Columns ``label, predicted, images`` and ``fraction`` of the images of the true class; pairs without a confused
        image are left out.
    """
    wrong = confusion - np.diag(confusion.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:count]
    label, predicted = np.unravel_index(order, wrong.shape)
    pairs = pd.DataFrame({"label": label, "predicted": predicted, "images": wrong[label, predicted]})
    pairs = pairs[pairs["images"] > 0]
    return pairs.assign(fraction=pairs["images"] / confusion.sum(axis=1)[pairs["label"]])


def worst_predictions(predictions: pd.DataFrame, count: int) -> pd.DataFrame:
    """The wrong predictions with the highest probability, highest first.

    Args:
        predictions: ``winner_predictions``: one row an image, with ``label``, ``predicted`` and
            ``probability_of_predicted``.
        count: Most rows to return.

    Returns:
        Its columns, and ``image``, the position of the row; fewer rows if fewer predictions are wrong.
    """
    wrong = predictions.reset_index(drop=True).rename_axis("image").reset_index()
    wrong = wrong[wrong["label"] != wrong["predicted"]]
    return wrong.sort_values("probability_of_predicted", ascending=False, kind="stable")[:count].reset_index(drop=True)
