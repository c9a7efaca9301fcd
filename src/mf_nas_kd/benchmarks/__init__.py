"""Finished studies as values, and searches replayed on them.

One source of tables a file: the published benchmark, NAS-Bench-201, and a study of our own. The readers count what
networks cost, which needs torch: they are imported by name, so that a process that replays does without it.
"""

from mf_nas_kd.benchmarks.table import BenchmarkTable

__all__ = ["BenchmarkTable"]
