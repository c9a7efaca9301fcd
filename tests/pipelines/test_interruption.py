"""Killed in mid-evaluation and run again: nothing that was finished is lost."""

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

from mf_nas_kd.store import EvaluationStore
from tests.conftest import PROJECT
from tests.pipelines.running import catalog, run

SAME = ["key", "val_accuracy", "test_accuracy", "macs", "params", "status"]


def rows_in(path):
    return len(EvaluationStore(f"sqlite:///{path}").table()) if path.exists() else 0


@pytest.mark.timeout(3000)  # twenty minutes to begin with, and an evaluation to the end
def test_sigkill_loses_at_most_the_trainings_in_flight(tmp_path, study):
    run(tmp_path, "data")
    run(tmp_path, "teacher")
    store = tmp_path / "3_evaluation" / "evaluations.db"
    command = [
        sys.executable, "-m", "kedro", "run", "--env=smoke", "--pipelines=evaluation", f"--params=data_dir={tmp_path}"
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=PROJECT, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 1200
    while rows_in(store) < 5 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = rows_in(store)
    assert 5 <= finished < 60, "it was not killed in the middle: the test would prove nothing"
    psutil.wait_procs(workers, timeout=300)

    before = EvaluationStore(f"sqlite:///{store}").table()
    run(tmp_path, "evaluation")
    after = catalog(tmp_path).load("evaluations")
    pd.testing.assert_frame_equal(after.iloc[: len(before)], before)

    plan, whole = catalog(study).load("evaluation_plan"), catalog(study).load("evaluations")
    undisturbed = whole[whole["key"].isin(plan["key"])]
    pd.testing.assert_frame_equal(
        after[SAME].sort_values("key", ignore_index=True), undisturbed[SAME].sort_values("key", ignore_index=True)
    )
