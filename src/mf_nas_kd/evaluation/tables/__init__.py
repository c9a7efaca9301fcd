"""Finished studies as values: searches are replayed on them.

One source of tables a file: the published benchmark, NAS-Bench-201, and a study of our own.
"""

from mf_nas_kd.evaluation.tables.nas_bench_201 import read_nas_bench_201
from mf_nas_kd.evaluation.tables.published import read_published
from mf_nas_kd.evaluation.tables.study import study_table
from mf_nas_kd.evaluation.tables.table import BenchmarkTable

__all__ = ["BenchmarkTable", "read_nas_bench_201", "read_published", "study_table"]
