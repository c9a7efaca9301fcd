"""The study that ships with the project: 36 networks on 20 classes of CIFAR-100, one file of this package.

Machine, version and command are in the README beside it. ``benchmarks/ship_study.py`` writes it.
"""

from __future__ import annotations

from importlib import resources

import pandas as pd

from mf_nas_kd.benchmarks.study import study_table
from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.records import FIDELITY_COLUMNS
from mf_nas_kd.records.proxies import proxy_columns
from mf_nas_kd.records.tables import CANDIDATE_COLUMNS

DATASET = "cifar100_20"
SHIPPED = f"{DATASET}.parquet"


def shipped_rows() -> pd.DataFrame:
    """The evaluations of the shipped study: their records with the columns ``role`` and proxies of the candidates."""
    with resources.as_file(resources.files("mf_nas_kd.benchmarks").joinpath("data", SHIPPED)) as path:
        return pd.read_parquet(path)


def read_shipped() -> BenchmarkTable:
    """The shipped study as a benchmark."""
    rows = shipped_rows().assign(dataset=DATASET)
    full = rows[rows["role"] == "full"]
    candidates = full[[*CANDIDATE_COLUMNS, *proxy_columns(full)]].reset_index(drop=True)
    plan = rows[["key", "role", *FIDELITY_COLUMNS]]
    return study_table(plan, rows.drop(columns="role"), candidates)
