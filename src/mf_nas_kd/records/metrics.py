"""What an evaluation measures, and which of it selects.

Another metric is one line in :data:`METRICS`, its two fields in :class:`Metrics`, and a migration of the store that
adds their columns. Everything that selects goes through :class:`Metric`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import ConfigDict, RootModel

from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.records.fields import Record, Role, column, column_names
from mf_nas_kd.registry import NameIn, lookup

Labels = NDArray[np.int64]
"""``(N,)``: class of each image."""

SCORES = ("val_score", "test_score")
"""Columns that :meth:`Metric.scored` adds: values of the metric that selects."""


@dataclass(frozen=True)
class Metrics(Record):
    """How well a trained network classifies, by every metric; None after a failed training.

    Attributes:
        val_accuracy: Fraction of the validation images that are classified correctly, in [0, 1].
        test_accuracy: The same of the test images; only reported.
        val_balanced_accuracy: Mean over the classes of the fraction of their validation images that are classified
            correctly (their recall), in [0, 1]; classes without an image do not count. None in records of versions that
            did not measure it.
        test_balanced_accuracy: The same of the test images; only reported.
    """

    val_accuracy: float | None = column(Role.METRIC, default=None)
    test_accuracy: float | None = column(Role.METRIC, default=None)
    val_balanced_accuracy: float | None = column(Role.METRIC, default=None)
    test_balanced_accuracy: float | None = column(Role.METRIC, default=None)

    @classmethod
    def measured(cls, validation: tuple[ArrayLike, ArrayLike], test: tuple[ArrayLike, ArrayLike]) -> Metrics:
        """All metrics of a network.

        Args:
            validation: Classes of the validation images, and those that the network predicts; ``(n,)`` each.
            test: The same of the test images.
        """
        values = {metric.validation: metric.measure(*validation) for metric in METRICS.values()}
        return cls(**values, **{metric.test: metric.measure(*test) for metric in METRICS.values()})


@dataclass(frozen=True)
class Metric:
    """A metric: the mean, over groups of images, of the fraction of each group that is classified correctly.

    Attributes:
        name: Name in the configuration; its columns are ``val_<name>`` and ``test_<name>``.
        groups: Group of each image ``(N,)``, from the classes of the images ``(N,)``.
    """

    name: str
    groups: Callable[[Labels], Labels]

    @property
    def label(self) -> str:
        """Its name in sentences."""
        return self.name.replace("_", " ")

    @property
    def validation(self) -> str:
        """Column of its values for the validation images, which select."""
        return f"val_{self.name}"

    @property
    def test(self) -> str:
        """Column of its values for the test images, which are only reported."""
        return f"test_{self.name}"

    def measure(self, labels: ArrayLike, predicted: ArrayLike) -> float:
        """Value in [0, 1]; groups without an image do not count.

        Args:
            labels: ``(N,)``, classes of the images, at least one.
            predicted: ``(N,)``, predicted classes.

        >>> METRICS["accuracy"].measure([0, 0, 0, 1], [0, 0, 0, 0])
        0.75
        >>> METRICS["balanced_accuracy"].measure([0, 0, 0, 1], [0, 0, 0, 0])
        0.5
        """
        true = np.asarray(labels)
        groups = self.groups(true)
        images, correct = np.bincount(groups), np.bincount(groups, weights=true == np.asarray(predicted))
        return float((correct[images > 0] / images[images > 0]).mean())

    def of(self, metrics: Metrics) -> float | None:
        """Value for the validation images, which selects; None after a failed training, or if it was not measured."""
        value: float | None = getattr(metrics, self.validation)
        return value

    def of_test(self, metrics: Metrics) -> float | None:
        """Value for the test images, which is only reported; None as that of :meth:`of`."""
        value: float | None = getattr(metrics, self.test)
        return value

    def scored(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table of evaluations with the columns ``SCORES``, the values of this metric.

        Raises:
            MissingEvaluationError: If this metric was not measured in some evaluation that has an accuracy.
        """
        scores = {score: _values(table, name) for score, name in zip(SCORES, (self.validation, self.test), strict=True)}
        lacking = int((_values(table, ACCURACY.validation).notna() & scores["val_score"].isna()).sum())
        if lacking:
            raise MissingEvaluationError(
                f"{lacking} of {len(table)} evaluations have no {self.label}, by which metric: {self.name} selects; "
                "they were made by an earlier version: run the evaluation and search pipelines, which make them again"
            )
        return table.assign(**scores)


def with_metrics(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column of numbers for every metric, missing where an earlier version has not measured it."""
    return table.assign(**{name: _values(table, name) for name in column_names(Metrics)})


def _values(table: pd.DataFrame, name: str) -> pd.Series:
    """A column as numbers; all missing where the table of an earlier version lacks it."""
    values = table[name] if name in table else pd.Series(np.nan, index=table.index)
    return values.astype(float)


def _together(labels: Labels) -> Labels:
    """All images are one group."""
    return np.zeros_like(labels)


def _by_class(labels: Labels) -> Labels:
    """Every class is a group."""
    return labels


ACCURACY = Metric("accuracy", groups=_together)

BALANCED_ACCURACY = Metric("balanced_accuracy", groups=_by_class)
"""Brodersen, Ong, Stephan, Buhmann (2010). The balanced accuracy and its posterior distribution. ICPR, section 2."""

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in (ACCURACY, BALANCED_ACCURACY)}
"""Every metric by its name."""


class MetricSetting(RootModel[Annotated[str, NameIn(METRICS, "metric")]]):
    """Which metric of the validation images selects."""

    model_config = ConfigDict(frozen=True)

    @property
    def value(self) -> Metric:
        """The metric."""
        return METRICS[self.root]


def metric_of(outcome: Mapping[str, object]) -> Metric:
    """The metric that has selected, as an outcome tells it; earlier versions knew accuracy only, and told nothing."""
    return lookup(METRICS, str(outcome.get("metric", ACCURACY.name)), "metric")
