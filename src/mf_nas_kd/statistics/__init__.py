"""Statistics of studies: rank agreement of cheap and expensive measurements, and summaries of replayed searches."""

from mf_nas_kd.statistics.bootstrap import BootstrapSettings, Estimate
from mf_nas_kd.statistics.correlation import RankAgreement, rank_agreement
from mf_nas_kd.statistics.searches import search_summary
from mf_nas_kd.statistics.table import correlation_table

__all__ = ["BootstrapSettings", "Estimate", "RankAgreement", "correlation_table", "rank_agreement", "search_summary"]
