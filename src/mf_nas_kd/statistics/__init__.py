"""Rank statistics: how well a cheap measurement orders what an expensive one would. Arrays in, numbers out."""

from mf_nas_kd.statistics.bootstrap import BootstrapSettings, Estimate
from mf_nas_kd.statistics.correlation import RankAgreement, rank_agreement
from mf_nas_kd.statistics.searches import search_summary
from mf_nas_kd.statistics.table import correlation_table

__all__ = ["BootstrapSettings", "Estimate", "RankAgreement", "correlation_table", "rank_agreement", "search_summary"]
