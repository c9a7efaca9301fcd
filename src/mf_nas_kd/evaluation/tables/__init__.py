"""Finished studies as values: searches are replayed on them."""

from mf_nas_kd.evaluation.tables.table import BenchmarkTable

__all__ = ["BenchmarkTable"]
