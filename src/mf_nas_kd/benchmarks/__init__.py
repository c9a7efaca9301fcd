"""Benchmarks: tables of finished studies, and searches replayed on them.

Each source of tables has a file: the published benchmark, NAS-Bench-201, and a study of this project. The readers count
the costs of networks, which needs torch: they are imported by name, so that processes that replay do without torch.
"""

from mf_nas_kd.benchmarks.table import BenchmarkTable

__all__ = ["BenchmarkTable"]
