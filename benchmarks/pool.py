"""Pool of a search in the whole space of NAS-Bench-201: sampling, counting and features of up to 15,625 candidates.

python benchmarks/pool.py [--count 15625] [--max-macs 100000000]
"""

from __future__ import annotations

import argparse
import hashlib
import time

from mf_nas_kd.networks import CostCounter
from mf_nas_kd.records import Architecture
from mf_nas_kd.records.tables import candidate_table, records_of
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import Limits, build_space
from mf_nas_kd.spaces.nas_bench_201 import OPERATIONS
from mf_nas_kd.studies.study_search import search_pool

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--count", type=int, default=15_625)
parser.add_argument("--max-macs", type=int, default=None)
arguments = parser.parse_args()

space = build_space("nas_bench_201", {"stem": 16, "cells_per_stage": 5, "operations": OPERATIONS})
cost_of, limits = CostCounter(100, (3, 32, 32)), Limits.of(max_macs=arguments.max_macs)
started = time.perf_counter()
pool = search_pool(candidate_table([], cost_of), space, arguments.count, limits, cost_of, numpy_generator(0, "pool"))
sampled = time.perf_counter()
for architecture in records_of(pool, Architecture):
    space.encode(architecture)
encoded = time.perf_counter()
digest = hashlib.sha256(pool.to_csv(index=False).encode()).hexdigest()[:16]
print(f"{len(pool):,} candidates: {sampled - started:.1f} s, features {encoded - sampled:.1f} s, digest {digest}")  # noqa: T201
