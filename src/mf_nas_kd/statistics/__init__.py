"""Statistics of studies: rank agreement of measurements, accuracies with intervals, summaries of replayed searches."""

from mf_nas_kd.statistics.bootstrap import BootstrapSettings, Estimate
from mf_nas_kd.statistics.correlation import RankAgreement, rank_agreement
from mf_nas_kd.statistics.paired import accuracy_difference, indistinguishable, mean_accuracy
from mf_nas_kd.statistics.searches import search_summary
from mf_nas_kd.statistics.table import correlation_table

__all__ = [
    "BootstrapSettings",
    "Estimate",
    "RankAgreement",
    "accuracy_difference",
    "correlation_table",
    "indistinguishable",
    "mean_accuracy",
    "rank_agreement",
    "search_summary",
]
