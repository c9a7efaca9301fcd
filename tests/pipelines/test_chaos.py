"""The short form of :mod:`tests.chaos`: real runs that are disturbed, and leave what an undisturbed one leaves."""

import shutil

import pytest

from tests.chaos import ENDS, disturb
from tests.pipelines.running import catalog


@pytest.mark.timeout(3000)  # a run may take minutes where the machine is busy, and is started again
@pytest.mark.parametrize(
    ("disturbance", "executor"),
    [("kill_group", "processes"), ("two_runs", "processes"), ("no_mlflow", "processes"), ("kill_workers", "dask")],
)
def test_a_disturbed_run_loses_nothing_and_makes_nothing_twice(study, tmp_path, disturbance, executor):
    base = tmp_path / "base"
    for folder in ("1_images", "2_teacher"):
        shutil.copytree(study / folder, base / folder)
    plan, evaluations = (catalog(study).load(name) for name in ("evaluation_plan", "evaluations"))
    undisturbed = evaluations[evaluations["key"].isin(plan["key"])]
    outcome = disturb(disturbance, base, undisturbed, tmp_path / "disturbed", executor, None, seed=0)
    assert (outcome.lost, outcome.twice, outcome.different) == (0, 0, 0)
    assert outcome.survived or disturbance in ENDS
