"""Statistics of studies: rank agreement, accuracies with intervals, errors of a classifier, replayed searches."""

from mf_nas_kd.statistics.bootstrap import BootstrapSettings, Estimate
from mf_nas_kd.statistics.classification import (
    confusion_matrix,
    errors_of_classes,
    most_confused,
    per_class_accuracy,
    wilson_interval,
    worst_predictions,
)
from mf_nas_kd.statistics.correlation import RankAgreement, rank_agreement
from mf_nas_kd.statistics.distillation import distillation_comparison
from mf_nas_kd.statistics.fronts import front_summary
from mf_nas_kd.statistics.paired import accuracy_difference, indistinguishable, mean_accuracy
from mf_nas_kd.statistics.searches import search_summary
from mf_nas_kd.statistics.settings import AddedValueSettings, CorrelationSettings
from mf_nas_kd.statistics.table import correlation_table

__all__ = [
    "AddedValueSettings",
    "BootstrapSettings",
    "CorrelationSettings",
    "Estimate",
    "RankAgreement",
    "accuracy_difference",
    "confusion_matrix",
    "correlation_table",
    "distillation_comparison",
    "errors_of_classes",
    "front_summary",
    "indistinguishable",
    "mean_accuracy",
    "most_confused",
    "per_class_accuracy",
    "rank_agreement",
    "search_summary",
    "wilson_interval",
    "worst_predictions",
]
