"""Write a finished study as the one table that ships with the project (src/mf_nas_kd/benchmarks/data).

    python benchmarks/ship_study.py DATA_DIR

DATA_DIR is the folder of the study, as it was given with --params=data_dir=DATA_DIR.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from mf_nas_kd.benchmarks import shipped
from mf_nas_kd.paths import sqlite_url
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.plan import planned_evaluations

LEFT_OUT = ["error", "lost_seconds", "reused_seconds", "dataset_fingerprint", "teacher_fingerprint"]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    folder = parser.parse_args().data_dir / "3_evaluation"
    plan = pd.read_parquet(folder / "evaluation_plan.parquet")
    evaluations = EvaluationStore(sqlite_url(folder / "evaluations.db")).table(plan["key"])
    table = planned_evaluations(plan, evaluations).drop(columns=LEFT_OUT)
    table = table.merge(pd.read_parquet(folder / "candidate_proxies.parquet"), on="architecture_id", how="left")
    path = Path(shipped.__file__).with_name("data") / shipped.SHIPPED
    path.parent.mkdir(exist_ok=True)
    table.to_parquet(path, index=False, compression="zstd")
    counts = table.groupby("role").size().to_dict()
    print(f"{path}: {len(table)} evaluations {counts}, {path.stat().st_size / 2**10:.0f} KiB")  # noqa: T201


if __name__ == "__main__":
    main()
